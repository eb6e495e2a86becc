import type { Shape } from "./define-kernel.ts"
import type { GpuTensor } from "./gpu-tensor.ts"
import { inShape, keeping } from "./keeping.ts"
import { invalid, unfit } from "./refusals.ts"
import type { KernelRuntime } from "./runtime.ts"

/** A move of pixels between channels and sides: x seen as `axes`, those in `order`, seen as `shape`. */
export interface Blocks {
  readonly axes: Shape
  readonly order: readonly number[]
  readonly shape: Shape
}
/** Whether the channels that become one block of pixels lie far apart (`DCR`) or side by side (`CRD`). */
export type BlockMode = "DCR" | "CRD"

/** [n, c · block², h, w] → [n, c, h · block, w · block]. Throws IPFA_INPUT_SHAPE, IPFA_INPUT_INVALID. */
export function depthToSpace(x: Shape, block: number, mode: BlockMode): Blocks {
  const [n, channels, h, w] = images("depthToSpace", x, block)
  const c = channels / block ** 2
  if (!Number.isInteger(c)) throw unfit("depthToSpace", "x", `[n, c · ${block ** 2}, h, w], not [${x}]`)
  if (mode !== "DCR" && mode !== "CRD") throw invalid("depthToSpace", "mode", `DCR or CRD, not ${mode}`)
  const shape = [n, c, h * block, w * block]
  return mode === "DCR"
    ? { axes: [n, block, block, c, h, w], order: [0, 3, 4, 1, 5, 2], shape }
    : { axes: [n, c, block, block, h, w], order: [0, 1, 4, 2, 5, 3], shape }
}

/** [n, c, h · block, w · block] → [n, block² · c, h, w], which `depthToSpace` in mode DCR undoes. Throws IPFA_INPUT_SHAPE, IPFA_INPUT_INVALID. */
export function spaceToDepth(x: Shape, block: number): Blocks {
  const [n, c, height, width] = images("spaceToDepth", x, block)
  const [h, w] = [height / block, width / block]
  if (!Number.isInteger(h) || !Number.isInteger(w))
    throw unfit("spaceToDepth", "x", `[n, c, h · ${block}, w · ${block}], not [${x}]`)
  return { axes: [n, c, h, block, w, block], order: [0, 3, 5, 1, 2, 4], shape: [n, c * block ** 2, h, w] }
}

function images(op: string, x: Shape, block: number): readonly [number, number, number, number] {
  if (!Number.isInteger(block) || block < 1) throw invalid(op, "block", `a whole number above 0, not ${block}`)
  if (x.length !== 4) throw unfit(op, "x", `[n, c, h, w], not [${x}]`)
  return x as readonly [number, number, number, number]
}

/** x moved so, in one copy. Throws as `runtime.run`. */
export function inBlocks(runtime: KernelRuntime, x: GpuTensor, { axes, order, shape }: Blocks): Promise<GpuTensor> {
  return keeping(async (keep) => {
    const seen = keep(await inShape(runtime, x, axes))
    return keep(await runtime.copied(keep(seen.permute(order)))).share(shape)
  })
}
