import { elems, type GpuTensor } from "./gpu-tensor.ts"
import { numberOf } from "./indexed.ts"
import { keeping } from "./keeping.ts"
import { gather } from "./ops/gather/gather.ts"
import { invalid, unfit } from "./refusals.ts"
import type { KernelRuntime } from "./runtime.ts"
import { sliced, type View, wholeView } from "./view.ts"

export interface PadAttributes {
  /** In elements: before each axis, then behind each, as ONNX and conv2d have them. Below 0 they take away. */
  pads: readonly number[]
  /** What stands beyond the ends: one value, the last element, those before it backwards, or the axis from its other end on. */
  mode: "constant" | "edge" | "reflect" | "wrap"
  /** What `constant` fills with. */
  value: number
}

/** Where in an axis of `size`, of one element at least, lies what stands at `place`, which may be beyond its ends. */
export const mirrors: Record<string, (place: number, size: number) => number> = {
  edge: (place, size) => Math.min(Math.max(place, 0), size - 1),
  wrap: (place, size) => ((place % size) + size) % size,
  reflect(place, size) {
    const period = Math.max(2 * (size - 1), 1)
    const at = ((place % period) + period) % period
    return Math.min(at, period - at)
  },
}

/** What is moved from x to where in the padded tensor: views of one shape. */
export function padViews(x: View, pads: readonly number[]): { shape: number[]; from: View; to: View } {
  const rank = x.shape.length
  const shape = x.shape.map((size, axis) => size + pads[axis]! + pads[axis + rank]!)
  let [from, to] = [x, wholeView(shape)]
  for (const [axis, size] of x.shape.entries()) {
    const [before, behind] = [pads[axis]!, pads[axis + rank]!]
    const count = Math.max(size + Math.min(before, 0) + Math.min(behind, 0), 0)
    from = sliced(from, axis, Math.max(-before, 0), count)
    to = sliced(to, axis, Math.max(before, 0), count)
  }
  return { shape, from, to }
}

/** x with elements added at the ends of its axes. Throws IPFA_INPUT_SHAPE, IPFA_INPUT_INVALID, else as `runtime.run`. */
export function padded(
  runtime: KernelRuntime,
  x: GpuTensor,
  { pads, mode = "constant", value = 0 }: Partial<PadAttributes> & Pick<PadAttributes, "pads">,
): Promise<GpuTensor> {
  return keeping(async (keep) => {
    const rank = x.shape.length
    if (pads.length !== 2 * rank || !pads.every(Number.isInteger))
      throw unfit("pad", "pads", `${rank} whole numbers before the axes of [${x.shape}] and ${rank} behind them`)
    const { shape, from, to } = padViews(x, pads)
    elems(shape)
    const part = keep(x.view(from))
    if (mode === "constant") {
      // What is not written in a new tensor is 0.
      if (Object.is(value, 0)) return runtime.copied(part, { to, shape })
      const filler = keep(numberOf(runtime, "pad", "value", x.dtype, value))
      const into = keep(await runtime.copied(keep(filler.broadcast(shape))))
      return (await runtime.copied(part, { to, shape }, { into })).share()
    }
    const mirror = mirrors[mode]
    if (!mirror) throw invalid("pad", "mode", "constant, edge, reflect or wrap")
    if (x.shape.some((size, axis) => size === 0 && shape[axis]! > 0)) throw unfit("pad", "x", "elements to repeat")
    const axes = [...shape.keys()].filter((axis) => pads[axis] !== 0 || pads[axis + rank] !== 0)
    let result = keep(axes.length > 0 ? x.share() : await runtime.copied(x))
    for (const axis of axes) {
      const places = Int32Array.from({ length: shape[axis]! }, (_, i) => mirror(i - pads[axis]!, x.shape[axis]!))
      const indices = keep(runtime.upload("int32", [places.length], places))
      result = keep(await runtime.run(gather, [result, indices as GpuTensor], { axis }))
    }
    return result.share()
  })
}
