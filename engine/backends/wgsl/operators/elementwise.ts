import {
  type AnyKernel,
  abs,
  add,
  ceil,
  clip,
  div,
  equal,
  erf,
  exp,
  floor,
  gelu,
  greater,
  greaterOrEqual,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  less,
  lessOrEqual,
  log,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  reciprocal,
  relu,
  round,
  sigmoid,
  sign,
  sqrt,
  sub,
  tanh,
  where,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import { unsupported } from "../unsupported.ts"

const unary = (operator: string, kernel: AnyKernel, attributes: (node: NodeLowering) => object = () => ({})) =>
  defineLowering(operator, (node) => node.set(0, node.run(kernel, [node.input(0)], attributes(node))))

const binary = (operator: string, kernel: AnyKernel) =>
  defineLowering(operator, (node) => node.set(0, node.run(kernel, [node.input(0), node.input(1)])))

/** Of any number of tensors, one after the other. */
const variadic = (operator: string, kernel: AnyKernel) =>
  defineLowering(operator, (node) => {
    let result = node.input(0)
    for (let i = 1; i < node.node.input.length; i++) result = node.run(kernel, [result, node.input(i)])
    node.set(0, result)
  })

export const elementwise = [
  unary("Abs", abs),
  unary("Ceil", ceil),
  unary("Erf", erf),
  unary("Exp", exp),
  unary("Floor", floor),
  unary("Gelu", gelu, (node) => ({ approximate: node.text("approximate", "none") })),
  unary("HardSigmoid", hardSigmoid, (node) => ({ alpha: node.float("alpha", 0.2), beta: node.float("beta", 0.5) })),
  unary("HardSwish", hardSwish),
  unary("LeakyRelu", leakyRelu, (node) => ({ alpha: node.float("alpha", 0.01) })),
  unary("Log", log),
  unary("Neg", neg),
  unary("Reciprocal", reciprocal),
  unary("Relu", relu),
  unary("Round", round),
  unary("Sigmoid", sigmoid),
  unary("Sign", sign),
  unary("Sqrt", sqrt),
  unary("Tanh", tanh),
  unary("Clip", clip, clipBounds),
  binary("Add", add),
  binary("Sub", sub),
  binary("Mul", mul),
  binary("Div", div),
  binary("Equal", equal),
  binary("Less", less),
  binary("Greater", greater),
  binary("LessOrEqual", lessOrEqual),
  binary("GreaterOrEqual", greaterOrEqual),
  variadic("Max", maximum),
  variadic("Min", minimum),
  variadic("Sum", add),
  defineLowering("Pow", (node) => {
    const exponent = node.graph.known(node.node.input[1]!)
    const base = node.input(0)
    // A square is a product: exact to one rounding, and of any base.
    if (exponent?.length === 1 && exponent[0] === 2) return node.set(0, node.run(mul, [base, base]))
    if (exponent?.length === 1 && exponent[0] === 0.5) return node.set(0, node.run(sqrt, [base]))
    node.set(0, node.run(pow, [base, node.input(1)]))
  }),
  defineLowering("And", (node) => node.set(0, node.run(minimum, [node.input(0), node.input(1)]))),
  defineLowering("Or", (node) => node.set(0, node.run(maximum, [node.input(0), node.input(1)]))),
  defineLowering("Not", (node) => {
    node.set(0, node.run(equal, [node.input(0), node.graph.constant([], Uint32Array.of(0))]))
  }),
  defineLowering("Where", (node) => node.set(0, node.run(where, [node.input(0), node.input(1), node.input(2)]))),
  defineLowering(["Identity", "Dropout"], (node) => {
    if (node.node.output[1] && node.graph.isUsed(node.node.output[1])) throw unsupported("its mask is used")
    node.set(0, node.input(0))
  }),
]

/** Clip's bounds: attributes before opset 11, inputs since. */
export function clipBounds(node: NodeLowering): { low?: number; high?: number } {
  const bound = (i: number, name: string) => {
    const value = node.opset < 11 ? node.float(name, Number.NaN) : (node.knownOr(i, undefined)?.[0] ?? Number.NaN)
    return Number.isNaN(value) ? undefined : value
  }
  const [low, high] = [bound(1, "min"), bound(2, "max")]
  return { ...(low !== undefined && { low }), ...(high !== undefined && { high }) }
}
