/** Pooling, and what else maps one image plane to another of a different size. */
import type { NodeContext } from "../context.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { type Dim, elems, INT64, type Shape, type Value, value } from "../value.ts"
import { slide, windowOf } from "./window.ts"

function pooled(node: NodeContext): Shape {
  const x = node.input(0)
  if (!node.isRank(x, 3)) return null
  const spatial = x.shape.slice(2)
  return [...x.shape.slice(0, 2), ...slide(node, windowOf(node, spatial.length), spatial)]
}

const windowFlops = (node: NodeContext, [y]: readonly (Value | undefined)[]): number | null => {
  const n = elems(y?.shape ?? null)
  return n === null ? null : n * (node.ints("kernel_shape") ?? []).reduce((a, b) => a * b, 1)
}

const ones = (node: NodeContext): Value => {
  const x = node.input(0)
  return value(x.elem, x.shape?.map((d, i) => (i < 2 ? d : 1)) ?? null)
}

/** New spatial sizes: given as `sizes`, or as `scales` of which the size is the floor of the product. */
function resized(node: NodeContext): Value {
  const x = node.input(0)
  if (!x.shape) return value(x.elem, null)
  const { shape } = x
  const unknown = value(
    x.elem,
    shape.map(() => null),
  )
  const asUpsample = node.opset < 11
  const listed = node.ints("axes")
  const axes = listed?.map((a) => node.axis(a, shape.length)) ?? shape.map((_, i) => i)
  const out: Dim[] = [...shape]
  if (!asUpsample && node.inputs[3] && node.inputs[3].shape?.[0] !== 0) {
    const sizes = node.knownInts(3)
    if (!sizes) return unknown
    if (sizes.length !== axes.length) throw node.refusal(`${axes.length} sizes`)
    const policy = node.string("keep_aspect_ratio_policy", "stretch")
    const ratios = axes.map((a, i) => (shape[a] === null ? null : sizes[i]! / shape[a]!))
    const ratio = policy === "not_larger" ? Math.min(...(ratios as number[])) : Math.max(...(ratios as number[]))
    if (policy !== "stretch" && ratios.includes(null)) return unknown
    axes.forEach((a, i) => {
      out[a] = policy === "stretch" ? sizes[i]! : Math.round(ratio * shape[a]!)
    })
    return value(x.elem, out)
  }
  const scales = node.floats("scales") ?? node.knownNumbers(asUpsample ? 1 : 2)
  if (!scales || node.string("coordinate_transformation_mode", "") === "tf_crop_and_resize") return unknown
  if (scales.length !== axes.length) throw node.refusal(`${axes.length} scales`)
  axes.forEach((a, i) => {
    out[a] = shape[a] === null ? null : Math.floor(shape[a]! * scales[i]!)
  })
  return value(x.elem, out)
}

/** Points that interpolation reads for one output element, over `dims` dimensions. */
function taps(mode: string, dims: number): number {
  if (mode === "nearest") return 0
  return (mode === "cubic" || mode === "bicubic" ? 4 : 2) ** dims
}

export const pooling: readonly OperatorDefinition[] = [
  defineOperator({
    names: "MaxPool",
    infer: (node) => [value(node.input(0).elem, pooled(node)), value(INT64, pooled(node))],
    flops: windowFlops,
  }),
  defineOperator({
    names: ["AveragePool", "LpPool"],
    infer: (node) => [value(node.input(0).elem, pooled(node))],
    flops: windowFlops,
  }),
  defineOperator({
    names: ["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"],
    infer: (node) => [ones(node)],
    flops: (node) => elems(node.input(0).shape),
  }),
  defineOperator({
    names: ["Resize", "Upsample"],
    infer: (node) => [resized(node)],
    flops(node, [y]) {
      const n = elems(y?.shape ?? null)
      const from = node.input(0).shape
      const dims = y?.shape?.filter((d, i) => d !== from?.[i]).length ?? 0
      return n === null ? null : 2 * n * taps(node.string("mode", "nearest"), dims)
    },
  }),
  defineOperator({
    names: "GridSample",
    infer(node) {
      const [x, grid] = [node.input(0), node.input(1)]
      if (!x.shape || !grid.shape) return [value(x.elem, null)]
      if (grid.shape.length !== x.shape.length) throw node.refusal(`a grid of rank ${x.shape.length}`)
      return [value(x.elem, [...x.shape.slice(0, 2), ...grid.shape.slice(1, -1)])]
    },
    flops(node, [y]) {
      const n = elems(y?.shape ?? null)
      return n === null ? null : 2 * n * taps(node.string("mode", "linear"), y!.shape!.length - 2)
    },
  }),
]
