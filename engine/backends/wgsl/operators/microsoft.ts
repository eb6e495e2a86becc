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

/** Inputs 0 and 1, and the bias that input `shift` is, added up and made even; the sum is output 3, for which it is computed apart. */
function skipping(node: NodeLowering, kernel: typeof layerNorm, bias: Value | undefined, shift: number): void {
  const [x, skip, w] = [sum(node, [node.input(0), node.optional(shift)]), node.input(1), node.input(2)]
  const eps = node.float("epsilon", 1e-12)
  const wanted = node.node.output[3]
  if (!(wanted && node.graph.isUsed(wanted)) && skip.shape.join() === x.shape.join())
    return node.set(0, node.run(kernel, [x, w, bias, skip], { eps }))
  const total = sum(node, [x, skip])
  node.set(0, node.run(kernel, [total, w, bias], { eps }))
  node.set(3, total)
}

export const microsoft = [
  quickGelu,
  biasedGelu("Gelu", "none"),
  biasedGelu("BiasGelu", "none"),
  biasedGelu("FastGelu", "tanh"),

  // Inputs: x, skip, weights, bias of the result, bias of the sum.
  defineLowering("com.microsoft:SkipLayerNormalization", (node) => skipping(node, layerNorm, node.optional(3), 4)),
  // Inputs: x, skip, weights, bias of the sum.
  defineLowering("com.microsoft:SkipSimplifiedLayerNormalization", (node) => skipping(node, rmsNorm, undefined, 3)),
]
