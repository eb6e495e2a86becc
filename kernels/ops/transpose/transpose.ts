import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type GpuDtype } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface TransposeProblem {
  dtype: GpuDtype
  rows: number
  cols: number
}

/** [rows, cols] → [cols, rows]; any GpuDtype, bit for bit */
export const transpose = defineKernel<TransposeProblem, Record<string, never>, "tiled">({
  name: "transpose",
  inputs: [{ name: "x", dtypes: ["float32", "int32", "uint32"] }],
  defaults: {},
  algorithms: {
    tiled: defineAlgorithm<TransposeProblem, (typeof wgsl)["ops/transpose/transpose.wgsl"]>(
      wgsl["ops/transpose/transpose.wgsl"],
      {
        workgroup: ({ TILE }) => ({ size: [TILE!, TILE!], bytes: TILE! * (TILE! + 1) * 4 }),
        dispatch: ({ rows, cols }, { TILE }) => ({
          workgroups: Math.ceil(rows / TILE!) * Math.ceil(cols / TILE!),
          params: { rows, cols },
        }),
      },
    ),
  },
  problem([input]) {
    const { dtype, shape: x } = input!
    if (x.length !== 2)
      throw fail("IPFA_INPUT_SHAPE", {
        message: `transpose takes [rows, cols], not [${x}].`,
        data: { path: "x", expected: "[rows, cols]" },
      })
    elems(x)
    return { dtype, rows: x[0]!, cols: x[1]! }
  },
  output: ({ dtype, rows, cols }) => ({ dtype, shape: [cols, rows] }),
  plan: (_problem, limits) => ({
    algorithm: "tiled",
    tuning: { TILE: limits.maxComputeInvocationsPerWorkgroup >= 256 ? 16 : 8 },
  }),
  reference,
  cases,
})
