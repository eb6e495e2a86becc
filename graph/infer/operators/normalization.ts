import type { NodeContext } from "../context.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { elems, FLOAT, type Value, value } from "../value.ts"

const same = (node: NodeContext): Value[] => [value(node.input(0).elem, node.input(0).shape)]
const perInput = (n: number) => (node: NodeContext) => {
  const count = elems(node.input(0).shape)
  return count === null ? null : n * count
}

/** Mean and inverse deviation have the input's shape with 1 from `axis` on. */
function layerNorm(node: NodeContext): Value[] {
  const x = node.input(0)
  if (!x.shape) return [value(x.elem, null), value(FLOAT, null), value(FLOAT, null)]
  const axis = node.axis(node.int("axis", -1), x.shape.length)
  const stat = value(
    node.int("stash_type", FLOAT),
    x.shape.map((d, i) => (i < axis ? d : 1)),
  )
  return [value(x.elem, x.shape), stat, stat]
}

export const normalization: readonly OperatorDefinition[] = [
  // Greatest, difference, exponential, sum, division (or logarithm and difference).
  defineOperator({ names: ["Softmax", "LogSoftmax", "Hardmax"], infer: same, flops: perInput(5) }),
  defineOperator({
    names: "BatchNormalization",
    // The statistics come out where training mode is left on; they have the channels' shape.
    infer: (node) => [...same(node), node.inputs[3], node.inputs[4]].map((v) => v && value(v.elem, v.shape)),
    // In inference: one multiplication and one addition, as the statistics are constants.
    flops: perInput(2),
  }),
  // Mean (1), variance (3), normalise (2), scale and shift (2).
  defineOperator({ names: ["InstanceNormalization", "GroupNormalization"], infer: same, flops: perInput(8) }),
  defineOperator({ names: "LayerNormalization", infer: layerNorm, flops: perInput(8) }),
  // Square, sum, divide, scale.
  defineOperator({
    names: ["RMSNormalization", "SimplifiedLayerNormalization", "LpNormalization"],
    infer: same,
    flops: perInput(4),
  }),
  defineOperator({ names: "MeanVarianceNormalization", infer: same, flops: perInput(6) }),
  defineOperator({
    names: "LRN",
    infer: same,
    // A sum of squares over `size` channels, then scale, power, division.
    flops: (node) => perInput(2 * Math.max(1, node.int("size", 1)) + 4)(node),
  }),
]
