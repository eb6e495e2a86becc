import type { NodeContext } from "../context.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { type Dim, elems, INT32, type Shape, type Value, value } from "../value.ts"
import { slide, windowOf } from "./window.ts"

/** x [N, C, …] and weights [M, C / group, …k] → [N, M, …]. `x` and `w` are positions of the inputs. */
function convolved(node: NodeContext, x: number, w: number): Shape {
  const [data, weights] = [node.input(x), node.input(w)]
  if (!node.isRank(data, 3) || !node.isRank(weights, data.shape.length, data.shape.length)) return null
  const [n, c, ...spatial] = data.shape as [Dim, Dim, ...Dim[]]
  const [m, perGroup, ...kernel] = weights.shape as [Dim, Dim, ...Dim[]]
  const group = node.int("group", 1)
  if (c !== null && perGroup !== null && c !== perGroup * group)
    throw node.refusal(`${perGroup * group} channels, not ${c}`)
  return [n, m, ...slide(node, windowOf(node, spatial.length, kernel), spatial)]
}

/** Each output element is a dot product over the kernel and the channels of its group. */
function convolutionFlops(node: NodeContext, out: Shape, w: number, bias: boolean): number | null {
  const [n, taps] = [elems(out), elems(node.input(w).shape?.slice(1) ?? null)]
  return n === null || taps === null ? null : n * (2 * taps + (bias ? 1 : 0))
}

function transposed(node: NodeContext): Value {
  const [x, w] = [node.input(0), node.input(1)]
  if (!node.isRank(x, 3) || !node.isRank(w, x.shape.length, x.shape.length)) return value(x.elem, null)
  const [n, c, ...spatial] = x.shape as [Dim, Dim, ...Dim[]]
  const [wc, perGroup, ...taps] = w.shape as [Dim, Dim, ...Dim[]]
  if (c !== null && wc !== null && c !== wc) throw node.refusal(`${wc} channels, not ${c}`)
  const { kernel, strides, dilations, pads, autoPad } = windowOf(node, spatial.length, taps)
  const given = node.ints("output_shape")
  const extra = node.ints("output_padding") ?? []
  const out = spatial.map((dim, i): Dim => {
    if (given) return given[given.length - spatial.length + i] ?? null
    const k = kernel[i]!
    if (dim === null || k === null) return null
    if (autoPad.startsWith("SAME")) return dim * strides[i]!
    const lost = pads ? pads[i]! + pads[i + spatial.length]! : 0
    return strides[i]! * (dim - 1) + (extra[i] ?? 0) + (k - 1) * dilations[i]! + 1 - lost
  })
  const m = perGroup === null ? null : perGroup * node.int("group", 1)
  return value(x.elem, [n, m, ...out])
}

export const convolution: readonly OperatorDefinition[] = [
  defineOperator({
    names: "Conv",
    infer: (node) => [value(node.input(0).elem, convolved(node, 0, 1))],
    flops: (node, [y]) => convolutionFlops(node, y?.shape ?? null, 1, !!node.inputs[2]),
  }),
  defineOperator({
    names: "ConvInteger",
    infer: (node) => [value(INT32, convolved(node, 0, 1))],
    flops: (node, [y]) => convolutionFlops(node, y?.shape ?? null, 1, false),
  }),
  defineOperator({
    names: "QLinearConv",
    infer: (node) => [value(node.input(7).elem, convolved(node, 0, 3))],
    flops: (node, [y]) => convolutionFlops(node, y?.shape ?? null, 3, !!node.inputs[8]),
  }),
  defineOperator({
    names: "ConvTranspose",
    infer: (node) => [transposed(node)],
    // Each input element is spread over the kernel and the channels of its group.
    flops(node, [y]) {
      const [n, taps, out] = [
        elems(node.input(0).shape),
        elems(node.input(1).shape?.slice(1) ?? null),
        elems(y?.shape ?? null),
      ]
      return n === null || taps === null || out === null ? null : 2 * n * taps + (node.inputs[2] ? out : 0)
    },
  }),
]
