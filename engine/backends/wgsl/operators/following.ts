import { type Activation, elems, type Shape } from "../../../../kernels/index.ts"
import { NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { clipBounds, knowsBounds } from "./elementwise.ts"

/** What a node's result goes through next, in whatever shape, if nothing else uses it: done along with the node itself. */
export function followingActivation(
  node: NodeLowering,
  output: string,
): { activation: Activation; output: string } | undefined {
  const { graph } = node
  const next = graph.soleUserBehind(output)
  if (!next || next.node.input[0] !== next.name) return undefined
  const activation = activationOf(new NodeLowering(next.node, graph))
  if (activation === undefined) return undefined
  for (const one of [...next.between, next.node]) graph.done.add(one)
  return { activation, output: next.node.output[0]! }
}

function activationOf(node: NodeLowering): Activation | undefined {
  switch (node.node.opType) {
    case "Relu":
      return { low: 0 }
    case "LeakyRelu":
      return { slope: node.float("alpha", 0.01) }
    case "Sigmoid":
      return "sigmoid"
    case "Tanh":
      return "tanh"
    case "HardSwish":
      return "hard-swish"
    case "Gelu":
      return node.text("approximate", "none") === "tanh" ? "gelu-tanh" : "gelu"
    case "FastGelu":
      return node.has(1) ? undefined : "gelu-tanh"
    case "Swish":
      return node.float("alpha", 1) === 1 ? "silu" : undefined
    case "Clip":
      return knowsBounds(node) ? clipBounds(node) : undefined
    default:
      return undefined
  }
}

/** What an Add puts on a result of `shape` next, element by element, if nothing else uses that and it is there already. */
function followingResidual(
  node: NodeLowering,
  output: string,
  shape: Shape,
): { residual: Value; output: string } | undefined {
  const { graph } = node
  const next = graph.soleUser(output)
  const other = next?.opType === "Add" ? next.input.find((name) => name !== output) : undefined
  if (!next || other === undefined || !graph.isReady(other)) return undefined
  const residual = graph.get(other)
  const isAlike = residual.shape.join() === shape.join() && graph.shape(output).join() === shape.join()
  if (!isAlike || residual.dtype !== "float32") return undefined
  graph.done.add(next)
  return { residual, output: next.output[0]! }
}

/** All that a node's result of `shape` goes through next, done along with it: an activation, and a residual before or after that. */
export function following(node: NodeLowering, output: string, shape: Shape) {
  const inner = followingActivation(node, output)
  const added = followingResidual(node, inner?.output ?? output, shape)
  const outer = added && !inner ? followingActivation(node, added.output) : undefined
  const activation = (inner ?? outer)?.activation
  return {
    output: (outer ?? added ?? inner)?.output ?? output,
    residual: added?.residual,
    attributes: { ...(activation && { activation }), ...(outer && { residualFirst: true }) },
  }
}

/** What a model stores, in few bits maybe, and an Add puts on a node's result next, if nothing else uses that: `count` elements along `axis`, counted from the end. */
export function followingBias(
  node: NodeLowering,
  output: string,
  count: number,
  axis: number,
): { bias: Value; output: string } | undefined {
  const { graph } = node
  const next = graph.soleUser(output)
  if (next?.opType !== "Add") return undefined
  const other = next.input.find((name) => name !== output)
  if (other === undefined || !graph.isReady(other)) return undefined
  const value = graph.get(other)
  const { dtype, shape } = value
  const isStored = dtype === "float32" && (graph.isStored(other) || graph.quantized(value) !== undefined)
  const fits = shape.every((dim, i) => dim === (i - shape.length === axis ? count : 1))
  if (!isStored || !fits || elems(shape) !== count || shape.length > graph.shape(output).length) return undefined
  graph.done.add(next)
  return { bias: node.reshaped(value, [count]), output: next.output[0]! }
}

/** The number that a result is multiplied or divided by next, if nothing else uses it. */
function followingScale(node: NodeLowering, output: string): { scale: number; output: string } | undefined {
  const { graph } = node
  const next = graph.soleUser(output)
  if (next?.opType !== "Mul" && !(next?.opType === "Div" && next.input[0] === output)) return undefined
  const other = next.input.find((name) => name !== output)!
  const known = graph.known(other)
  if (known?.length !== 1 || graph.shape(other).length > graph.shape(output).length) return undefined
  const scale = Math.fround(next.opType === "Mul" ? known[0]! : 1 / known[0]!)
  if (!Number.isFinite(scale)) return undefined
  graph.done.add(next)
  return { scale, output: next.output[0]! }
}

/** All that the product which is a node's output 0 goes through next, done along with it: a factor and a bias, unless it has one, which is of `cols` columns, and `following`. */
export function followingProduct(node: NodeLowering, cols: number | undefined, bias?: Value) {
  const output = node.node.output[0]!
  const scaled = bias ? undefined : followingScale(node, output)
  const product = scaled?.output ?? output
  const shift = bias || cols === undefined ? undefined : followingBias(node, product, cols, -1)
  const next = following(node, shift?.output ?? product, node.outputShape())
  return {
    ...next,
    bias: bias ?? shift?.bias,
    attributes: { ...(scaled && { scale: scaled.scale }), ...next.attributes },
  }
}
