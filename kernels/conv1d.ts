import type { GpuTensor } from "./gpu-tensor.ts"
import { inShape, keeping } from "./keeping.ts"
import { type Conv2dAlgorithm, type Conv2dAttributes, conv2d } from "./ops/conv2d/conv2d.ts"
import type { PlanOptions } from "./plan.ts"
import { unfit } from "./refusals.ts"
import type { KernelRuntime } from "./runtime.ts"

export interface Conv1dAttributes extends Pick<Conv2dAttributes, "group" | "activation"> {
  stride: number
  dilation: number
  /** Zeros before the first element and behind the last. */
  pads: readonly [before: number, behind: number]
}

/** x [n, c, l], w [o, c / group, k], bias? [o] → [n, o, l'], by `conv2d` with a height of 1. Throws as it does, and IPFA_INPUT_SHAPE for other axes. */
export function conv1d(
  runtime: KernelRuntime,
  x: GpuTensor,
  w: GpuTensor,
  bias: GpuTensor | undefined,
  { stride = 1, dilation = 1, pads = [0, 0], ...rest }: Partial<Conv1dAttributes> = {},
  options?: PlanOptions<Conv2dAlgorithm>,
): Promise<GpuTensor> {
  return keeping(async (keep) => {
    if (x.shape.length !== 3) throw unfit("conv1d", "x", `[n, c, l], not [${x.shape}]`)
    if (w.shape.length !== 3) throw unfit("conv1d", "w", `[o, c / group, k], not [${w.shape}]`)
    const [images, windows] = [keep(await inShape(runtime, x, x.shape.toSpliced(2, 0, 1))), keep(await inShape(runtime, w, w.shape.toSpliced(2, 0, 1)))] // biome-ignore format: a line
    const window = { strides: [1, stride], dilations: [1, dilation], pads: [0, pads[0], 0, pads[1]] } as const
    const y = keep(await runtime.run(conv2d, [images, windows, bias], { ...window, ...rest }, options))
    return y.share(y.shape.toSpliced(2, 1))
  })
}
