import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { cases } from "./cases.ts"
import { references } from "./reference.ts"

export type BinaryOp = "add" | "mul"
export interface BinaryProblem {
  shape: Shape
  elems: number
  scalar: boolean
}

/** a ∘ b, float32, of one shape; or b a scalar: `[]` or `[1]`. The result has a's shape. */
function binary(op: BinaryOp) {
  return defineKernel<BinaryProblem, Record<string, never>, "flat">({
    name: op,
    inputs: [float32("a"), float32("b")],
    defaults: {},
    algorithms: {
      flat: defineAlgorithm<BinaryProblem, (typeof wgsl)["ops/binary/binary.wgsl"]>(wgsl["ops/binary/binary.wgsl"], {
        config: ({ scalar }) => ({ OP: op, B_SCALAR: scalar }),
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
        dispatch: ({ elems }, { WG }) => ({ workgroups: Math.ceil(elems / WG!), params: { elems } }),
      }),
    },
    problem(inputs) {
      const [a, b] = inputs.map((input) => input!.shape) as [Shape, Shape]
      const same = a.join() === b.join() && a.length === b.length
      const scalar = !same && b.length <= 1 && elems(b) === 1
      if (!same && !scalar)
        throw fail("IPFA_INPUT_SHAPE", {
          message: `${op} takes two tensors of one shape, or a scalar as the second, not [${a}] and [${b}].`,
          data: { path: "b", expected: `[${a}], [] or [1]` },
        })
      return { shape: a, elems: elems(a), scalar }
    },
    output: ({ shape }) => ({ dtype: "float32", shape }),
    plan: () => ({ algorithm: "flat" }),
    reference: references[op],
    cases,
  })
}

export const add = binary("add")
export const mul = binary("mul")
