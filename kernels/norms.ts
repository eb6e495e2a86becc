import type { AnyKernel } from "./define-kernel.ts"
import { elems, type GpuTensor } from "./gpu-tensor.ts"
import { inShape, keeping } from "./keeping.ts"
import { add, div, mul, sub } from "./ops/binary/binary.ts"
import { layerNorm, type NormAttributes } from "./ops/norm/norm.ts"
import { sqrt } from "./ops/unary/unary.ts"
import { invalid, unfit } from "./refusals.ts"
import type { KernelRuntime } from "./runtime.ts"

export type NormOptions = Partial<Pick<NormAttributes, "eps">>

/** x's channels, of which each of `tensors` has one number. Throws IPFA_INPUT_SHAPE. */
function checkChannels(op: string, x: GpuTensor, tensors: Record<string, GpuTensor | undefined>): number {
  const channels = x.shape[1]
  if (channels === undefined) throw unfit(op, "x", `[n, c, …], not [${x.shape}]`)
  for (const [path, tensor] of Object.entries(tensors))
    if (tensor && tensor.shape.join() !== `${channels}`) throw unfit(op, path, `[${channels}], not [${tensor.shape}]`)
  return channels
}

/** (x − mean) · w / √(variance + eps) + bias, all of them [c], along axis 1. Throws IPFA_INPUT_SHAPE, IPFA_INPUT_INVALID, else as `runtime.run`. */
export function batchNorm(
  runtime: KernelRuntime,
  x: GpuTensor,
  w: GpuTensor,
  bias: GpuTensor,
  mean: GpuTensor,
  variance: GpuTensor,
  { eps = layerNorm.defaults.eps }: NormOptions = {},
): Promise<GpuTensor> {
  return keeping(async (keep) => {
    const channels = checkChannels("batchNorm", x, { w, bias, mean, variance })
    if (!(eps >= 0 && Number.isFinite(eps))) throw invalid("batchNorm", "eps", `a number from 0 on, not ${eps}`)
    const run = async (kernel: AnyKernel, ...inputs: GpuTensor[]) => keep(await runtime.run(kernel, inputs))
    const spread = await run(add, variance, keep(runtime.upload("float32", [], Float32Array.of(eps))))
    const factor = await run(div, w, await run(sqrt, spread))
    const shift = await run(sub, bias, await run(mul, mean, factor))
    const column = (row: GpuTensor) => keep(row.share([channels, ...x.shape.slice(2).map(() => 1)]))
    return runtime.run(add, [await run(mul, x, column(factor)), column(shift)])
  })
}

/** x [n, c, …] made even over each of `groups` groups of its channels, times w [c], plus bias [c]. Throws as `batchNorm`. */
export function groupNorm(
  runtime: KernelRuntime,
  x: GpuTensor,
  w: GpuTensor,
  bias: GpuTensor | undefined,
  groups: number | "each",
  options: NormOptions = {},
): Promise<GpuTensor> {
  return keeping(async (keep) => {
    const op = groups === "each" ? "instanceNorm" : "groupNorm"
    const channels = checkChannels(op, x, { w, bias })
    const count = groups === "each" ? channels : groups
    if (!Number.isInteger(count) || count < 1 || channels % count !== 0)
      throw unfit(op, "groups", `a part of the ${channels} channels, not ${count}`)
    const images = x.shape[0]!
    const pixels = elems(x.shape.slice(2))
    const rows = keep(await inShape(runtime, x, [images * count, (channels / count) * pixels]))
    const made = keep(await runtime.run(layerNorm, [rows, w, bias], { ...options, span: Math.max(pixels, 1) }))
    return made.share(x.shape)
  })
}
