import { fail } from "../../../protocol/errors/error.ts"
import { activationConfig, activationFunctions, type Clip, clipParams, functionConfig } from "../../activation.ts"
import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { isByFours } from "../../walk.ts"
import { unaryCases } from "./cases.ts"
import { functions } from "./reference.ts"

export type UnaryOp =
  | "relu"
  | "clip"
  | "leaky-relu"
  | "hard-sigmoid"
  | "hard-swish"
  | "sigmoid"
  | "silu"
  | "tanh"
  | "gelu"
  | "gelu-tanh"
  | "erf"
  | "abs"
  | "neg"
  | "sqrt"
  | "reciprocal"
  | "exp"
  | "log"
  | "floor"
  | "ceil"
  | "round"
  | "round-to"
  | "sign"
  | "sin"
  | "cos"
  | "tan"

/** The numbers that some functions take, as float32. */
export interface Constants {
  alpha: number
  beta: number
  gamma?: number
}
export interface UnaryProblem<A = unknown> {
  op: UnaryOp
  shape: Shape
  elems: number
  constants: Constants
  attributes: A
}
export interface GeluAttributes {
  /** As in ONNX: `none` is x·Φ(x), by the error function; `tanh` the approximation GPT-2 was trained with. */
  approximate: "none" | "tanh"
}
export interface Rounding {
  /** Results are whole numbers of these; above 0. */
  step: number
  /** The least and the most of them. */
  low: number
  high: number
}
type Nothing = Record<string, never>

/** Some are what other kernels do to their results, too. */
const configOf = (op: UnaryOp) => {
  const activation = activationFunctions.find((name) => name === op)
  return activation ? activationConfig(activation) : { OP: op.replaceAll("-", "_"), ...functionConfig(op) }
}

/** y = f(x), float32, of any shape. `op` may follow from the attributes, and throws IPFA_INPUT_INVALID where it follows from none. */
function unary<A = Nothing>(
  name: string,
  defaults: A,
  op: (attributes: A) => UnaryOp,
  constants: (attributes: A) => Constants = () => ({ alpha: 0, beta: 0 }),
) {
  return defineKernel<UnaryProblem<A>, A, "flat">({
    name,
    inputs: [float32("x")],
    defaults,
    algorithms: {
      flat: defineAlgorithm<UnaryProblem<A>, (typeof wgsl)["ops/unary/unary.wgsl"]>(wgsl["ops/unary/unary.wgsl"], {
        config: ({ op, elems }) => ({ ...configOf(op), FOUR: isByFours(elems) }),
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
        dispatch: ({ elems: count, constants }, { WG }) => {
          const elems = isByFours(count) ? count / 4 : count
          return { workgroups: Math.ceil(elems / WG!), params: { elems, gamma: 0, ...constants } }
        },
      }),
    },
    problem([x], attributes: A) {
      const { shape } = x!
      const { alpha, beta, gamma = 0 } = constants(attributes)
      for (const [path, value] of Object.entries({ alpha, beta, gamma }))
        if (!Number.isFinite(Math.fround(value)))
          throw fail("IPFA_INPUT_INVALID", {
            message: `${name} takes a finite ${path}, not ${value}.`,
            data: { path, expected: "a finite float32" },
          })
      const rounded = { alpha: Math.fround(alpha), beta: Math.fround(beta), gamma: Math.fround(gamma) }
      return { op: op(attributes), shape, elems: elems(shape), constants: rounded, attributes }
    },
    output: ({ shape }) => ({ dtype: "float32", shape }),
    plan: () => ({ algorithm: "flat" }),
    reference: ([x], { op, constants }) => Float64Array.from(x!, (value) => functions[op](value, constants)),
    cases: unaryCases(name) as never,
  })
}

const plain = (op: UnaryOp) => unary(op, {}, () => op)

export const relu = plain("relu")
export const clip = unary<Clip>(
  "clip",
  { low: undefined, high: undefined },
  () => "clip",
  (bounds) => {
    const { low, high } = clipParams(bounds)
    return { alpha: low, beta: high }
  },
)
/** x, and alpha · x below 0. */
export const leakyRelu = unary("leaky-relu", { alpha: 0.01 }, () => "leaky-relu", ({ alpha }) => ({ alpha, beta: 0 })) // biome-ignore format: a kernel a line
/** alpha · x + beta, between 0 and 1. */
export const hardSigmoid = unary("hard-sigmoid", { alpha: 0.2, beta: 0.5 }, () => "hard-sigmoid", (constants) => constants) // biome-ignore format: a kernel a line
export const hardSwish = plain("hard-swish")
export const sigmoid = plain("sigmoid")
export const silu = plain("silu")
export const tanh = plain("tanh")
export const erf = plain("erf")
export const abs = plain("abs")
export const neg = plain("neg")
/** Of numbers from 0 on. */
export const sqrt = plain("sqrt")
/** 1 / x, from 2^-126 to 2^126 in size. */
export const reciprocal = plain("reciprocal")
export const exp = plain("exp")
/** Of numbers above 0. */
export const log = plain("log")
export const floor = plain("floor")
export const ceil = plain("ceil")
/** To the nearest whole number, halves to the even one. */
export const round = plain("round")
/** To the nearest whole number of steps, from `low` to `high` of them: what quantizing and dequantizing leaves of a number. */
export const roundTo = unary<Rounding>(
  "round-to",
  { step: 1, low: -128, high: 127 },
  () => "round-to",
  ({ step, low, high }) => ({ alpha: step, beta: low, gamma: high }),
)
export const sign = plain("sign")
/** From −π to π: WGSL promises no accuracy beyond, and there 2^-11. */
export const sin = plain("sin")
/** As sin. */
export const cos = plain("cos")
/** Between −π/2 and π/2; as accurate as sin / cos is. */
export const tan = plain("tan")

export const gelu = unary<GeluAttributes>("gelu", { approximate: "none" }, ({ approximate }) => {
  if (approximate === "none") return "gelu"
  if (approximate === "tanh") return "gelu-tanh"
  throw fail("IPFA_INPUT_INVALID", {
    message: `gelu has no approximation "${approximate}".`,
    data: { path: "approximate", expected: ["none", "tanh"] },
  })
})
