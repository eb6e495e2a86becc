import { add, gelu, layerNorm, mul, rmsNorm, sigmoid } from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"

/** What ONNX Runtime's optimizer and exporters of language models write in the place of several operators of ai.onnx. */

const sum = (node: NodeLowering, values: readonly (Value | undefined)[]): Value =>
  values.filter((value) => value !== undefined).reduce((total, value) => node.run(add, [total, value]))

/** x · sigmoid(alpha · x) */
const quickGelu = defineLowering("com.microsoft:QuickGelu", (node) => {
  const x = node.input(0)
  const alpha = node.graph.constant([], Float32Array.of(node.float("alpha", 1.702)))
  node.set(0, node.run(mul, [x, node.run(sigmoid, [node.run(mul, [x, alpha])])]))
})

/** Input 0 and a bias, if there is one, through GELU. */
const biasedGelu = (operator: string, approximate: "none" | "tanh") =>
  defineLowering(`com.microsoft:${operator}`, (node) => {
    node.set(0, node.run(gelu, [sum(node, [node.input(0), node.optional(1)])], { approximate }))
  })

export const microsoft = [
  quickGelu,
  biasedGelu("Gelu", "none"),
  biasedGelu("BiasGelu", "none"),
  biasedGelu("FastGelu", "tanh"),

  // Inputs: x, skip, weights, bias of the result, bias of the sum.
  defineLowering("com.microsoft:SkipLayerNormalization", (node) => {
    const x = sum(node, [node.input(0), node.input(1), node.optional(4)])
    const eps = node.float("epsilon", 1e-12)
    node.set(0, node.run(layerNorm, [x, node.input(2), node.optional(3)], { eps }))
    node.set(3, x)
  }),
  // Inputs: x, skip, weights, bias of the sum.
  defineLowering("com.microsoft:SkipSimplifiedLayerNormalization", (node) => {
    const x = sum(node, [node.input(0), node.input(1), node.optional(3)])
    node.set(0, node.run(rmsNorm, [x, node.input(2)], { eps: node.float("epsilon", 1e-12) }))
    node.set(3, x)
  }),
]
