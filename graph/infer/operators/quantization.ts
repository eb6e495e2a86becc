import type { NodeContext } from "../context.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { elems, UINT8, value } from "../value.ts"

/** Scale, shift, and round or clamp. */
const twoEach = (node: NodeContext): number | null => {
  const n = elems(node.input(0).shape)
  return n === null ? null : 2 * n
}

export const quantization: readonly OperatorDefinition[] = [
  defineOperator({
    names: "QuantizeLinear",
    infer: (node) => [value(node.inputs[2]?.elem ?? (node.int("output_dtype", 0) || UINT8), node.input(0).shape)],
    flops: twoEach,
  }),
  defineOperator({
    names: "DequantizeLinear",
    infer: (node) => [value(node.int("output_dtype", 0) || node.input(1).elem, node.input(0).shape)],
    flops: twoEach,
  }),
  defineOperator({
    names: "DynamicQuantizeLinear",
    infer: (node) => [value(UINT8, node.input(0).shape), value(1, []), value(UINT8, [])],
    // The least and the greatest element are found first.
    flops(node) {
      const n = elems(node.input(0).shape)
      return n === null ? null : 4 * n
    },
  }),
]
