import { fail } from "../../../protocol/errors/error.ts"
import {
  type Algorithm,
  defineAlgorithm,
  defineKernel,
  float32,
  type Limits,
  type Shape,
  type Tuning,
} from "../../define-kernel.ts"
import { type Epilogue, type EpilogueAttributes, epilogueConfig, epilogueOf, epilogueParams } from "../../epilogue.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { costlyLoads } from "../../quirks/costly-loads.ts"
import { broadcast, broadcastShape, collapsed, type View, viewOf } from "../../view.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface MatmulAttributes extends EpilogueAttributes {
  /** a is [..., k, m]. */
  transposeA: boolean
  /** b is [..., n, k]. */
  transposeB: boolean
}
/** One side of the product: its strides in elements. */
interface Matrix {
  batch: number
  row: number
  col: number
}
export interface MatmulProblem extends Epilogue {
  /** Axes in front of the matrices, of the result. */
  batch: Shape
  m: number
  n: number
  k: number
  a: Matrix
  b: Matrix
}
/** Those whose values are read one by one, or four at a time. */
type InFours = "blocked" | "split-blocked" | "tiled"
export type MatmulAlgorithm = "naive" | "split" | "subgroup-split" | "subgroup-blocked" | InFours | `${InFours}-vec4`

/** Elements of y along each axis that one invocation makes, or one block of it, of a subgroup's split sums a workgroup: fixed in the sources. */
const PER_INVOCATION = 4
const BLOCK_BYTES = PER_INVOCATION ** 2 * 4

const params = (problem: MatmulProblem) => {
  const { batch, m, n, k, a, b } = problem
  return {
    batches: elems(batch),
    m,
    n,
    k,
    a_batch: a.batch,
    a_row: a.row,
    a_col: a.col,
    b_batch: b.batch,
    b_row: b.row,
    b_col: b.col,
    ...epilogueParams(problem),
  }
}
/** How far apart the matrices of `x` lie, broadcast to the axes `batch` in front; undefined where that differs between them. */
export function matrixStride(x: View, batch: Shape): number | undefined {
  const front = { shape: x.shape.slice(0, -2), strides: x.strides.slice(0, -2), offset: 0 }
  const [{ shape, strides }] = collapsed([broadcast(front, batch)]) as [View]
  return shape.length === 1 ? strides[0] : undefined
}
const matrix = ({ strides }: View, transposed: boolean, batch: number): Matrix => {
  const [row, col] = strides.slice(-2) as [number, number]
  return transposed ? { batch, row: col, col: row } : { batch, row, col }
}
const isEven = (x: View) => matrixStride(x, x.shape.slice(0, -2)) !== undefined

/** Workgroups for a grid of `rows` × `cols` pieces of each batch. */
const pieces = ({ batch, m, n }: MatmulProblem, rows: number, cols: number) =>
  elems(batch) * Math.ceil(m / rows) * Math.ceil(n / cols)

/**
 * Along what b is read four elements at a time where a is, along k: n or k. Undefined where k or n is no multiple of four, or fours don't lie word by word in memory, from a
 * multiple of four on.
 */
function foursOf({ n, k, a, b }: MatmulProblem): "n" | "k" | undefined {
  const isWhole = (...sizes: number[]) => sizes.every((size) => size % 4 === 0)
  if (k === 0 || !isWhole(n, k, a.batch, a.row, b.batch) || a.col !== 1) return undefined
  if (b.col === 1 && isWhole(b.row)) return "n"
  return b.row === 1 && isWhole(b.col) ? "k" : undefined
}

/** Lengths and strides in fours: all but n, which is y's. */
const inFours = (problem: MatmulProblem): MatmulProblem => {
  const { k, a, b } = problem
  const [row, col] = foursOf(problem) === "n" ? [b.row / 4, 1] : [1, b.col / 4]
  return {
    ...problem,
    k: k / 4,
    a: { batch: a.batch / 4, row: a.row / 4, col: 1 },
    b: { batch: b.batch / 4, row, col },
  }
}

/** `algorithm` with its values read and stored four at a time. */
const vec4 = (algorithm: Algorithm<MatmulProblem>): Algorithm<MatmulProblem> => ({
  ...algorithm,
  config: (problem) => ({ ...epilogueConfig(problem), VEC4: foursOf(problem)!, VEC4_Y: true }),
  refuses(problem, tuning, limits) {
    if (!foursOf(problem)) return "its rows are not made of whole fours"
    if ((tuning.TILE_K ?? 0) % 4 !== 0) return `a slab of ${tuning.TILE_K} is not made of whole fours`
    return algorithm.refuses?.(problem, tuning, limits)
  },
  dispatch: (problem, tuning) => algorithm.dispatch(inFours(problem), tuning),
})

const naive = defineAlgorithm<MatmulProblem, (typeof wgsl)["ops/matmul/naive.wgsl"]>(wgsl["ops/matmul/naive.wgsl"], {
  config: epilogueConfig,
  workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
  dispatch: (problem, { WG }) => ({ workgroups: Math.ceil(pieces(problem, 1, 1) / WG!), params: params(problem) }),
})

const split = defineAlgorithm<MatmulProblem, (typeof wgsl)["ops/matmul/split.wgsl"]>(wgsl["ops/matmul/split.wgsl"], {
  config: epilogueConfig,
  tunings: [
    { WG_X: 1, WG_Y: 64 },
    { WG_X: 4, WG_Y: 16 },
    { WG_X: 64, WG_Y: 4 },
  ],
  workgroup: ({ WG_X, WG_Y }) => ({ size: [WG_X!, WG_Y!], bytes: WG_X! * WG_Y! * 4 }),
  dispatch: (problem, { WG_X }) => ({ workgroups: pieces(problem, 1, WG_X!), params: params(problem) }),
})

/** The feature without which there are none. */
const SUBGROUPS = "subgroups"
/** As many invocations as a subgroup may have at most, where the adapter does not say how many that are (WebGPU, 3.6.2 "Limits"). */
const LARGEST_SUBGROUP = 128

const subgroupSplit = defineAlgorithm<MatmulProblem, (typeof wgsl)["ops/matmul/subgroup-split.wgsl"]>(
  wgsl["ops/matmul/subgroup-split.wgsl"],
  {
    config: epilogueConfig,
    needs: () => SUBGROUPS,
    workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: WG! * 16 }),
    dispatch: (problem) => ({ workgroups: pieces(problem, 1, PER_INVOCATION), params: params(problem) }),
  },
)

const subgroupBlocked = defineAlgorithm<MatmulProblem, (typeof wgsl)["ops/matmul/subgroup-blocked.wgsl"]>(
  wgsl["ops/matmul/subgroup-blocked.wgsl"],
  {
    config: epilogueConfig,
    needs: () => SUBGROUPS,
    workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
    refuses: (_problem, { WG }, { subgroupMaxSize = LARGEST_SUBGROUP }) =>
      WG! % subgroupMaxSize === 0
        ? undefined
        : `a workgroup of ${WG} may not be whole subgroups, which have up to ${subgroupMaxSize} invocations`,
    dispatch: (problem, { WG }) => ({
      workgroups: pieces(problem, PER_INVOCATION, PER_INVOCATION * WG!),
      params: params(problem),
    }),
  },
)

const blocked = defineAlgorithm<MatmulProblem, (typeof wgsl)["ops/matmul/blocked.wgsl"]>(
  wgsl["ops/matmul/blocked.wgsl"],
  {
    config: epilogueConfig,
    tunings: [{ SIDE: 2 }, { WG: 32 }, { WG: 256 }],
    workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
    refuses: (_problem, { SIDE }) => (SIDE! > 2 ? "an invocation makes at most 2 blocks along a side" : undefined),
    dispatch: (problem, { WG, SIDE }) => ({
      workgroups: Math.ceil(pieces(problem, PER_INVOCATION * SIDE!, PER_INVOCATION * SIDE!) / WG!),
      params: params(problem),
    }),
  },
)

const splitBlocked = defineAlgorithm<MatmulProblem, (typeof wgsl)["ops/matmul/split-blocked.wgsl"]>(
  wgsl["ops/matmul/split-blocked.wgsl"],
  {
    config: epilogueConfig,
    tunings: [
      { WG_X: 1, WG_Y: 64 },
      { WG_X: 4, WG_Y: 16 },
      { WG_X: 8, WG_Y: 32 },
      { WG_X: 16, WG_Y: 4 },
    ],
    workgroup: ({ WG_X, WG_Y }) => ({ size: [WG_X!, WG_Y!], bytes: WG_X! * WG_Y! * BLOCK_BYTES }),
    dispatch: (problem, { WG_X }) => ({
      workgroups: pieces(problem, PER_INVOCATION, PER_INVOCATION * WG_X!),
      params: params(problem),
    }),
  },
)

const tiled = defineAlgorithm<MatmulProblem, (typeof wgsl)["ops/matmul/tiled.wgsl"]>(wgsl["ops/matmul/tiled.wgsl"], {
  config: epilogueConfig,
  tunings: [
    { WG_X: 8, WG_Y: 8 },
    { WG_X: 16, WG_Y: 8 },
    { WG_X: 16, WG_Y: 16, TILE_K: 8 },
    { WG_X: 16, WG_Y: 16, TILE_K: 32 },
  ],
  workgroup: ({ WG_X, WG_Y, TILE_K }) => ({
    size: [WG_X!, WG_Y!],
    bytes: (WG_X! + WG_Y!) * PER_INVOCATION * TILE_K! * 4,
  }),
  dispatch: (problem, { WG_X, WG_Y }) => ({
    workgroups: pieces(problem, WG_Y! * PER_INVOCATION, WG_X! * PER_INVOCATION),
    params: params(problem),
  }),
})

/** Below this many rows or columns most of a tile would be padding; along k, most of a slab. */
const WORTH_A_TILE = 32
const WORTH_A_SLAB = 16

/** With fewer rows or columns blocks would be half empty, and there are too few elements for an invocation each, if their sums are long enough to be split. */
const SKINNY = 4
const WORTH_SPLITTING = 64

/**
 * Tiles where the output fills them and the device has room for them; split sums where there are few and long ones, by subgroups where the device has them and they lie along
 * k, or of blocks where there are enough for those; else one invocation per element. Where loads are costly, blocks in its place, and sums that don't lie along k are split by subgroups too.
 * Values are read by fours wherever they lie so.
 */
export function plan(problem: MatmulProblem, limits: Limits): { algorithm: MatmulAlgorithm; tuning?: Tuning } {
  const { m, n, k, b } = problem
  const hasSubgroups = limits.features?.has(SUBGROUPS)
  const isCostly = limits.quirks?.includes(costlyLoads)
  const isInFours = foursOf(problem) !== undefined
  const read = (algorithm: InFours) => (isInFours ? (`${algorithm}-vec4` as const) : algorithm)
  const fits = (count: number, bytes: number) =>
    count <= limits.maxComputeInvocationsPerWorkgroup && bytes <= limits.maxComputeWorkgroupStorageSize
  const isSkinny = Math.min(m, n) < SKINNY
  if (isSkinny && k >= WORTH_SPLITTING && limits.maxComputeInvocationsPerWorkgroup >= 256) {
    if (hasSubgroups && n >= SKINNY && (b.row === 1 || isCostly)) return { algorithm: "subgroup-split" }
    // along what lies word by word in memory: k, or the columns
    return { algorithm: "split", tuning: n < SKINNY || b.row === 1 ? { WG_X: 1, WG_Y: 64 } : { WG_X: 32, WG_Y: 8 } }
  }
  if (m < WORTH_A_TILE || n < WORTH_A_TILE || k < WORTH_A_SLAB) {
    if (isSkinny) return { algorithm: "naive" }
    if (!isCostly && k >= WORTH_SPLITTING && fits(64, 64 * BLOCK_BYTES))
      return { algorithm: read("split-blocked"), tuning: b.row === 1 ? { WG_X: 1, WG_Y: 64 } : { WG_X: 8, WG_Y: 8 } }
    if (!isCostly) return { algorithm: "naive" }
    if (hasSubgroups && !isInFours)
      return { algorithm: "subgroup-blocked", tuning: { WG: limits.subgroupMaxSize ?? LARGEST_SUBGROUP } }
    // large blocks would be half empty
    return { algorithm: read("blocked"), ...(Math.min(m, n) <= PER_INVOCATION && { tuning: { SIDE: 1 } }) }
  }
  for (const side of [16, 8])
    if (fits(side * side, 2 * side * PER_INVOCATION * 16 * 4))
      return { algorithm: read("tiled"), tuning: { WG_X: side, WG_Y: side } }
  return { algorithm: "naive" }
}

/**
 * a [..., m, k] · b [..., k, n] · scale + bias? [n], residual? [..., m, n] → [..., m, n], all float32; the axes in front are broadcast by NumPy's rules, where the matrices of each side then lie
 * evenly: both have all of these axes, or one has them all and the other has none or one element along each.
 */
export const matmul = defineKernel<MatmulProblem, MatmulAttributes, MatmulAlgorithm>({
  name: "matmul",
  inputs: [
    { ...float32("a"), strided: isEven },
    { ...float32("b"), strided: isEven },
    { ...float32("bias"), optional: true },
    { ...float32("residual"), optional: true },
  ],
  defaults: { transposeA: false, transposeB: false, scale: 1, activation: undefined, residualFirst: false },
  algorithms: {
    naive,
    split,
    "subgroup-split": subgroupSplit,
    blocked,
    "blocked-vec4": vec4(blocked),
    "subgroup-blocked": subgroupBlocked,
    "split-blocked": splitBlocked,
    "split-blocked-vec4": vec4(splitBlocked),
    tiled,
    "tiled-vec4": vec4(tiled),
  },
  problem([left, right, bias, residual], { transposeA, transposeB, ...epilogue }) {
    const [viewA, viewB] = [viewOf(left!), viewOf(right!)]
    const [a, b] = [left!.shape, right!.shape]
    const refuse = (path: string, expected: string) =>
      fail("IPFA_INPUT_SHAPE", {
        message: `matmul takes ${path} as ${expected}; a is [${a}], b is [${b}].`,
        data: { path, expected },
      })
    if (a.length < 2) throw refuse("a", "[..., m, k]")
    if (b.length < 2) throw refuse("b", "[..., k, n]")
    const [m, k] = transposeA ? [a.at(-1)!, a.at(-2)!] : [a.at(-2)!, a.at(-1)!]
    const [inner, n] = transposeB ? [b.at(-1)!, b.at(-2)!] : [b.at(-2)!, b.at(-1)!]
    if (inner !== k) throw refuse("b", transposeB ? `[..., n, ${k}]` : `[..., ${k}, n]`)
    const batch = broadcastShape([a.slice(0, -2), b.slice(0, -2)])
    const [apartA, apartB] = [matrixStride(viewA, batch), matrixStride(viewB, batch)]
    if (apartA === undefined) throw refuse("a", `[${batch}, m, k]`)
    if (apartB === undefined) throw refuse("b", `[${batch}, k, n]`)
    const shape = [...batch, m, n]
    elems(shape)
    return {
      batch,
      m,
      n,
      k,
      a: matrix(viewA, transposeA, apartA),
      b: matrix(viewB, transposeB, apartB),
      ...epilogueOf("matmul", shape, { bias, residual }, epilogue, refuse),
    }
  },
  output: ({ batch, m, n }) => ({ dtype: "float32", shape: [...batch, m, n] }),
  plan,
  reference,
  cases,
})
