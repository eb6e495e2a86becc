import { fail } from "../../../protocol/errors/error.ts"
import { activationConfig } from "../../activation.ts"
import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { linesAlong } from "../../shapes.ts"
import type { GeluAttributes } from "../unary/unary.ts"
import { gatedCases } from "./cases.ts"
import { reference } from "./reference.ts"

export type GateOp = "silu" | "gelu" | "gelu-tanh"
export interface GatedProblem {
  op: GateOp
  shape: Shape
  cols: number
  /** Gates and what they let through are one tensor. */
  fused: boolean
}

/** f(gate) · up, float32 of one shape; with `up` left out gate is [..., 2n], the gates and then what they let through, and y [..., n]. */
function gated<A>(name: string, defaults: A, op: (attributes: A) => GateOp) {
  return defineKernel<GatedProblem, A, "flat">({
    name,
    inputs: [float32("gate"), { ...float32("up"), optional: true }],
    defaults,
    algorithms: {
      flat: defineAlgorithm<GatedProblem, (typeof wgsl)["ops/gated/gated.wgsl"]>(wgsl["ops/gated/gated.wgsl"], {
        config: ({ op, fused }) => ({ ...activationConfig(op), FUSED: fused }),
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
        dispatch: ({ shape, cols }, { WG }) => ({
          workgroups: Math.ceil(elems(shape) / WG!),
          params: { elems: elems(shape), cols },
        }),
      }),
    },
    problem([gate, up], attributes: A) {
      const { cols } = linesAlong(name, gate!.shape, -1)
      const refuse = (path: string, expected: string) =>
        fail("IPFA_INPUT_SHAPE", { message: `${name} takes ${path} as ${expected}.`, data: { path, expected } })
      if (up && up.shape.join() !== gate!.shape.join()) throw refuse("up", `[${gate!.shape}]`)
      if (!up && cols % 2 !== 0) throw refuse("gate", "[..., 2n] where up is left out")
      const shape = up ? gate!.shape : gate!.shape.with(-1, cols / 2)
      return { op: op(attributes), shape, cols: shape.at(-1)!, fused: !up }
    },
    output: ({ shape }) => ({ dtype: "float32", shape }),
    plan: () => ({ algorithm: "flat" }),
    reference,
    cases: gatedCases(name) as never,
  })
}

/** SiLU(gate) · up. */
export const swiglu = gated("swiglu", {}, () => "silu")
/** GELU(gate) · up. */
export const geglu = gated<GeluAttributes>("geglu", { approximate: "none" }, ({ approximate }) =>
  approximate === "none" ? "gelu" : "gelu-tanh",
)
