import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Limits, type Shape, type Tuning } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface MatmulProblem {
  m: number
  n: number
  k: number
}
export type MatmulAlgorithm = "naive" | "tiled"

/** Elements of c along each axis that one invocation of the tiled kernel makes: fixed in its source. */
const PER_INVOCATION = 4

const naive = defineAlgorithm<MatmulProblem, (typeof wgsl)["ops/matmul/naive.wgsl"]>(wgsl["ops/matmul/naive.wgsl"], {
  workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
  dispatch: ({ m, n, k }, { WG }) => ({ workgroups: Math.ceil((m * n) / WG!), params: { m, n, k } }),
})

const tiled = defineAlgorithm<MatmulProblem, (typeof wgsl)["ops/matmul/tiled.wgsl"]>(wgsl["ops/matmul/tiled.wgsl"], {
  workgroup: ({ WG_X, WG_Y, TILE_K }) => ({
    size: [WG_X!, WG_Y!],
    bytes: (WG_X! + WG_Y!) * PER_INVOCATION * TILE_K! * 4,
  }),
  dispatch: ({ m, n, k }, { WG_X, WG_Y }) => ({
    workgroups: Math.ceil(m / (WG_Y! * PER_INVOCATION)) * Math.ceil(n / (WG_X! * PER_INVOCATION)),
    params: { m, n, k },
  }),
})

/** Below this many rows or columns most of a tile would be padding; along k, most of a slab. */
const WORTH_A_TILE = 32
const WORTH_A_SLAB = 16

/** Tiles where the output fills them and the device has room for them, else one invocation per element. */
export function plan({ m, n, k }: MatmulProblem, limits: Limits): { algorithm: MatmulAlgorithm; tuning?: Tuning } {
  if (m < WORTH_A_TILE || n < WORTH_A_TILE || k < WORTH_A_SLAB) return { algorithm: "naive" }
  for (const side of [16, 8]) {
    const fits =
      side * side <= limits.maxComputeInvocationsPerWorkgroup &&
      2 * side * PER_INVOCATION * 16 * 4 <= limits.maxComputeWorkgroupStorageSize
    if (fits) return { algorithm: "tiled", tuning: { WG_X: side, WG_Y: side } }
  }
  return { algorithm: "naive" }
}

/** a float32 [m, k] · b float32 [k, n] → float32 [m, n] */
export const matmul = defineKernel<MatmulProblem, Record<string, never>, MatmulAlgorithm>({
  name: "matmul",
  inputs: [float32("a"), float32("b")],
  defaults: {},
  algorithms: { naive, tiled },
  problem(inputs) {
    const [a, b] = inputs.map((input) => input!.shape) as [Shape, Shape]
    if (a.length !== 2 || b.length !== 2 || a[1] !== b[0])
      throw fail("IPFA_INPUT_SHAPE", {
        message: `matmul takes [m, k] and [k, n], not [${a}] and [${b}].`,
        data: { path: "b", expected: `[${a[1]}, n]` },
      })
    const problem = { m: a[0]!, n: b[1]!, k: a[1]! }
    elems([problem.m, problem.n])
    return problem
  },
  output: ({ m, n }) => ({ dtype: "float32", shape: [m, n] }),
  plan,
  reference,
  cases,
})
