import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type GpuDtype } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { isByFours } from "../../walk.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface TransposeProblem {
  dtype: GpuDtype
  rows: number
  cols: number
}

export type TransposeAlgorithm = "tiled" | "blocked"

/** Rows and columns that an invocation turns: fixed in the source. */
const BLOCK = 4

const tiled = defineAlgorithm<TransposeProblem, (typeof wgsl)["ops/transpose/tiled.wgsl"]>(
  wgsl["ops/transpose/tiled.wgsl"],
  {
    workgroup: ({ TILE }) => ({ size: [TILE!, TILE!], bytes: TILE! * (TILE! + 1) * 4 }),
    dispatch: ({ rows, cols }, { TILE }) => ({
      workgroups: Math.ceil(rows / TILE!) * Math.ceil(cols / TILE!),
      params: { rows, cols },
    }),
  },
)

const blocked = defineAlgorithm<TransposeProblem, (typeof wgsl)["ops/transpose/blocked.wgsl"]>(
  wgsl["ops/transpose/blocked.wgsl"],
  {
    config: ({ rows, cols }) => ({ FOUR: isByFours(rows) && isByFours(cols) }),
    workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
    dispatch: ({ rows, cols }, { WG }) => ({
      workgroups: Math.ceil((Math.ceil(rows / BLOCK) * Math.ceil(cols / BLOCK)) / WG!),
      params: { rows, cols },
    }),
  },
)

/** [rows, cols] → [cols, rows]; any GpuDtype, bit for bit */
export const transpose = defineKernel<TransposeProblem, Record<string, never>, TransposeAlgorithm>({
  name: "transpose",
  inputs: [{ name: "x", dtypes: ["float32", "int32", "uint32"] }],
  defaults: {},
  algorithms: { tiled, blocked },
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
