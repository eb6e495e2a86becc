import {
  type AnyKernel,
  abs,
  add,
  cast,
  ceil,
  clip,
  cos,
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
  modulo,
  mul,
  neg,
  pow,
  prelu,
  reciprocal,
  relu,
  remainder,
  round,
  sigmoid,
  sign,
  sin,
  sqrt,
  sub,
  tan,
  tanh,
  where,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { unsupported } from "../unsupported.ts"
import { narrowed } from "./narrow.ts"
import { writtenRope } from "./written-rope.ts"

const unary = (operator: string, kernel: AnyKernel, attributes: (node: NodeLowering) => object = () => ({})) =>
  defineLowering(operator, (node) => node.set(0, narrowed(node, node.run(kernel, [node.input(0)], attributes(node)))))

const binary = (operator: string, kernel: AnyKernel) =>
  defineLowering(operator, (node) => node.set(0, narrowed(node, node.run(kernel, [node.input(0), node.input(1)]))))

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
  unary("Cos", cos),
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
  unary("Sin", sin),
  unary("Sqrt", sqrt),
  unary("Tan", tan),
  unary("Tanh", tanh),
  defineLowering("Add", (node) => {
    const rope = writtenRope(node)
    if (rope) return node.set(0, rope)
    const [a, b] = [node.input(0), node.input(1)]
    const sum = narrowed(node, node.run(add, [a, b]))
    if (a.dtype === "float32" && a.shape.join() === b.shape.join()) node.graph.setSum(sum, [a, b])
    node.set(0, sum)
  }),
  binary("Sub", sub),
  binary("Mul", mul),
  binary("Div", div),
  binary("PRelu", prelu),
  binary("Equal", equal),
  binary("Less", less),
  binary("Greater", greater),
  binary("LessOrEqual", lessOrEqual),
  binary("GreaterOrEqual", greaterOrEqual),
  defineLowering("Mod", (node) => {
    const kernel = node.int("fmod", 0) === 1 ? remainder : modulo
    node.set(0, node.run(kernel, [node.input(0), node.input(1)]))
  }),
  variadic("Max", maximum),
  variadic("Min", minimum),
  variadic("Sum", add),
  defineLowering("Clip", (node) => {
    const x = node.input(0)
    if (x.dtype === "float32" && knowsBounds(node)) return node.set(0, node.run(clip, [x], clipBounds(node)))
    const [low, high] = [node.optional(1), node.optional(2)]
    const above = low ? node.run(maximum, [x, low]) : x
    node.set(0, high ? node.run(minimum, [above, high]) : above)
  }),
  defineLowering("Pow", (node) => {
    const exponent = node.graph.known(node.node.input[1]!)
    const base = node.input(0)
    // A square is a product: exact to one rounding, and of any base. One exponent may still add axes.
    const known = (power: Value) => node.set(0, node.reshaped(power, node.outputShape()))
    if (exponent?.length === 1 && exponent[0] === 2) return known(node.run(mul, [base, base]))
    if (exponent?.length === 1 && exponent[0] === 0.5) return known(node.run(sqrt, [base]))
    const asFloat = (value: Value) => (value.dtype === "float32" ? value : node.run(cast, [value], { to: "float32" }))
    const power = node.run(pow, [asFloat(base), asFloat(node.input(1))])
    if (base.dtype === "float32") return node.set(0, power)
    // A power of whole numbers is one too, once its roundings are taken off; exact while float32 tells them apart.
    node.set(0, node.run(cast, [node.run(round, [power])], { to: base.dtype }))
  }),
  defineLowering("And", (node) => node.set(0, node.run(minimum, [node.input(0), node.input(1)]))),
  defineLowering("Or", (node) => node.set(0, node.run(maximum, [node.input(0), node.input(1)]))),
  defineLowering("Xor", (node) => {
    const same = node.run(equal, [node.input(0), node.input(1)])
    node.set(0, node.run(equal, [same, node.graph.constant([], Uint32Array.of(0))]))
  }),
  defineLowering("Not", (node) => {
    node.set(0, node.run(equal, [node.input(0), node.graph.constant([], Uint32Array.of(0))]))
  }),
  defineLowering("Where", (node) => node.set(0, node.run(where, [node.input(0), node.input(1), node.input(2)]))),
  defineLowering(["Identity", "Dropout"], (node) => {
    if (node.node.output[1] && node.graph.isUsed(node.node.output[1])) throw unsupported("its mask is used")
    node.set(0, node.input(0))
  }),
]

/** Whether Clip's bounds follow from the model alone. */
export function knowsBounds(node: NodeLowering): boolean {
  return node.opset < 11 || [1, 2].every((i) => !node.has(i) || node.graph.known(node.node.input[i]!) !== undefined)
}

/** Clip's bounds: attributes before opset 11, inputs since. Where nothing lies between them all is the upper one. */
export function clipBounds(node: NodeLowering): { low?: number; high?: number } {
  const bound = (i: number, name: string) => {
    const value = node.opset < 11 ? node.float(name, Number.NaN) : (node.knownOr(i, undefined)?.[0] ?? Number.NaN)
    return Number.isNaN(value) ? undefined : value
  }
  const [low, high] = [bound(1, "min"), bound(2, "max")]
  return { ...(low !== undefined && { low: Math.min(low, high ?? low) }), ...(high !== undefined && { high }) }
}
