import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type KernelCase, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { geluCases, reluCases } from "./cases.ts"
import { gelu as geluReference, relu as reluReference } from "./reference.ts"

export interface UnaryProblem<A = unknown> {
  shape: Shape
  elems: number
  attributes: A
}
export interface GeluAttributes {
  /** As in ONNX: `none` is x·Φ(x), by the error function; `tanh` the approximation GPT-2 was trained with. */
  approximate: "none" | "tanh"
}

interface UnaryOp<A> {
  name: string
  defaults: A
  /** The `OP` of unary.wgsl; throws IPFA_INPUT_INVALID for attributes that name none. */
  op(attributes: A): string
  reference(x: number, attributes: A): number
  cases: KernelCase<UnaryProblem<A>, A, "flat">[]
}

/** y = f(x), float32, of any shape. */
function unary<A>({ name, defaults, op, reference, cases }: UnaryOp<A>) {
  return defineKernel<UnaryProblem<A>, A, "flat">({
    name,
    inputs: [float32("x")],
    defaults,
    algorithms: {
      flat: defineAlgorithm<UnaryProblem<A>, (typeof wgsl)["ops/unary/unary.wgsl"]>(wgsl["ops/unary/unary.wgsl"], {
        config: ({ attributes }) => ({ OP: op(attributes) }),
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
        dispatch: ({ elems }, { WG }) => ({ workgroups: Math.ceil(elems / WG!), params: { elems } }),
      }),
    },
    problem([x], attributes: A) {
      op(attributes)
      const { shape } = x!
      return { shape, elems: elems(shape), attributes }
    },
    output: ({ shape }) => ({ dtype: "float32", shape }),
    plan: () => ({ algorithm: "flat" }),
    reference: ([x], { attributes }) => Float64Array.from(x!, (value) => reference(value, attributes)),
    cases,
  })
}

export const relu = unary<Record<string, never>>({
  name: "relu",
  defaults: {},
  op: () => "relu",
  reference: reluReference,
  cases: reluCases,
})

export const gelu = unary<GeluAttributes>({
  name: "gelu",
  defaults: { approximate: "none" },
  op({ approximate }) {
    if (approximate === "none") return "gelu"
    if (approximate === "tanh") return "gelu_tanh"
    throw fail("IPFA_INPUT_INVALID", {
      message: `gelu has no approximation "${approximate}".`,
      data: { path: "approximate", expected: ["none", "tanh"] },
    })
  },
  reference: geluReference,
  cases: geluCases,
})
