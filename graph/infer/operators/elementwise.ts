import { elementType } from "../../element-type.ts"
import type { NodeContext } from "../context.ts"
import { exact, fill, reader, zip } from "../elements.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { BOOL, elems, isFloat, type Value, value } from "../value.ts"

const perOutput =
  (n: number) =>
  (_: NodeContext, outputs: readonly (Value | undefined)[]): number | null => {
    const count = elems(outputs[0]?.shape ?? null)
    return count === null ? null : n * count
  }

/** One operation an element: what it is called for the counting here does not depend on how hard the function is. */
function unary(names: string | string[], f?: (x: number) => number, out?: number): OperatorDefinition {
  return defineOperator({
    names,
    infer(node) {
      const x = node.input(0)
      const elem = out ?? x.elem
      const data = f && x.data?.map((e) => (e === null ? null : exact(f(e), !isFloat(elem))))
      return [value(elem, x.shape, data)]
    },
    flops: perOutput(1),
  })
}

function binary(names: string | string[], f: (a: number, b: number, integer: boolean) => number, out?: number) {
  return defineOperator({
    names,
    infer(node) {
      const [a, b] = [node.input(0), node.input(1)]
      const shape = node.broadcast(a.shape, legacyShape(node, a, b))
      const integer = !isFloat(a.elem)
      return [
        value(
          out ?? a.elem,
          shape,
          zip(shape, [a, b], integer, (x, y) => f(x, y, integer)),
        ),
      ]
    },
    flops: perOutput(1),
  })
}

/** Before opset 7 the second operand broadcast only when told so, from `axis` on. */
function legacyShape(node: NodeContext, a: Value, b: Value) {
  if (node.opset >= 7 || node.int("broadcast", 0) === 0 || !node.has("axis") || !a.shape || !b.shape) return b.shape
  const after = a.shape.length - node.axis(node.int("axis", 0), a.shape.length) - b.shape.length
  return [...b.shape, ...Array<number>(Math.max(0, after)).fill(1)]
}

function variadic(names: string | string[], f?: (...xs: number[]) => number): OperatorDefinition {
  return defineOperator({
    names,
    infer(node) {
      const inputs = node.inputs.map((_, i) => node.input(i))
      const shape = node.broadcast(...inputs.map((v) => v.shape))
      return [node.like(shape, f && zip(shape, inputs, !isFloat(node.input(0).elem), f))]
    },
    flops: (node, outputs) => perOutput(Math.max(1, node.inputs.length - 1))(node, outputs),
  })
}

const compare = (names: string | string[], f: (a: number, b: number) => boolean) =>
  binary(names, (a, b) => (f(a, b) ? 1 : 0), BOOL)

/** Rounds half to even, as ONNX's Round does. */
const roundEven = (x: number) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x))

function cast(node: NodeContext, to: number): Value {
  const x = node.input(0)
  if (!elementType(to)) throw node.refusal("an element type to cast to")
  const convert = (e: number) =>
    to === BOOL ? Number(e !== 0) : isFloat(to) ? (to === 1 ? Math.fround(e) : e) : Math.trunc(e)
  return value(
    to,
    x.shape,
    x.data?.map((e) => (e === null ? null : exact(convert(e), !isFloat(to)))),
  )
}

export const elementwise: readonly OperatorDefinition[] = [
  unary("Neg", (x) => -x),
  unary("Abs", Math.abs),
  unary("Floor", Math.floor),
  unary("Ceil", Math.ceil),
  unary("Round", roundEven),
  unary("Sqrt", Math.sqrt),
  unary("Sign", Math.sign),
  unary("Relu", (x) => Math.max(0, x)),
  unary("Not", (x) => Number(x === 0)),
  unary("Reciprocal", (x) => 1 / x),
  unary([
    "Exp",
    "Log",
    "Sin",
    "Cos",
    "Tan",
    "Asin",
    "Acos",
    "Atan",
    "Sinh",
    "Cosh",
    "Asinh",
    "Acosh",
    "Atanh",
    "Tanh",
    "Erf",
  ]),
  unary(["Sigmoid", "Softplus", "Softsign", "Elu", "Selu", "Celu", "LeakyRelu", "ThresholdedRelu", "Shrink", "Mish"]),
  unary(["HardSigmoid", "HardSwish", "Gelu", "Swish", "BitwiseNot"]),
  unary(["IsNaN", "IsInf"], undefined, BOOL),
  // Each channel times a number plus a number: retired operators that old vision models still have.
  unary(["ImageScaler", "Affine", "ScaledTanh", "ParametricSoftplus"]),

  binary("Add", (a, b) => a + b),
  binary("Sub", (a, b) => a - b),
  binary("Mul", (a, b) => a * b),
  binary("Div", (a, b, integer) => (integer ? Math.trunc(a / b) : a / b)),
  binary("Pow", (a, b) => a ** b),
  // Not followed by value: rare on the way to a shape.
  binary(["PRelu", "Mod", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor"], () => Number.NaN),
  binary("And", (a, b) => Number(a !== 0 && b !== 0), BOOL),
  binary("Or", (a, b) => Number(a !== 0 || b !== 0), BOOL),
  binary("Xor", (a, b) => Number((a !== 0) !== (b !== 0)), BOOL),
  compare("Equal", (a, b) => a === b),
  compare("Greater", (a, b) => a > b),
  compare("GreaterOrEqual", (a, b) => a >= b),
  compare("Less", (a, b) => a < b),
  compare("LessOrEqual", (a, b) => a <= b),

  variadic("Max", Math.max),
  variadic("Min", Math.min),
  variadic("Sum", (...xs) => xs.reduce((a, b) => a + b, 0)),
  variadic("Mean"),

  defineOperator({
    names: "Clip",
    infer(node) {
      const x = node.input(0)
      return [value(x.elem, x.shape)]
    },
    flops: perOutput(2),
  }),
  defineOperator({
    names: "Where",
    infer(node) {
      const [c, a, b] = [node.input(0), node.input(1), node.input(2)]
      const shape = node.broadcast(c.shape, a.shape, b.shape)
      const [rc, ra, rb] = [reader(c), reader(a), reader(b)]
      const pick = (i: readonly number[]) => {
        const chosen = rc!(i)
        return chosen === null ? null : chosen ? ra!(i) : rb!(i)
      }
      return [value(a.elem, shape, rc && ra && rb ? fill(shape, pick) : undefined)]
    },
    flops: perOutput(1),
  }),
  defineOperator({ names: "Cast", infer: (node) => [cast(node, node.int("to", 0))] }),
  defineOperator({ names: "CastLike", infer: (node) => [cast(node, node.input(1).elem)] }),
  defineOperator({ names: "Identity", infer: (node) => [node.input(0)], bytes: 0 }),
  defineOperator({
    // In inference the data passes unchanged, and the mask is all true.
    names: "Dropout",
    infer: (node) => [node.input(0), value(node.opset < 10 ? node.input(0).elem : BOOL, node.input(0).shape)],
    bytes: 0,
  }),
]
