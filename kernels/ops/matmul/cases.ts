import { activationFunctions } from "../../activation.ts"
import type { Fill, KernelCase, Shape, Tuning } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { MatmulAlgorithm, MatmulAttributes, MatmulProblem } from "./matmul.ts"
import { sumOfProducts } from "./reference.ts"

type Case = KernelCase<MatmulProblem, MatmulAttributes, MatmulAlgorithm>

const uniform: Fill = { kind: "uniform", low: -1, high: 1 }
// |Σ| ≤ k·8·8 stays below 2^24 up to k = 262,144: float32 holds every partial sum
const integers: Fill = { kind: "integers", low: -8, high: 8 }

/** [m, k] · [k, n] under one algorithm, with whole numbers (which forgive nothing) and with fractions. */
function both(algorithm: MatmulAlgorithm, m: number, k: number, n: number, why: string): Case[] {
  const shapes = [
    [m, k],
    [k, n],
  ]
  const name = `${algorithm} ${m}×${k}×${n}, ${why}`
  return [
    { name: `${name}, integers`, shapes, fill: integers, algorithm, tolerance: exact },
    { name: `${name}, fractions`, shapes, fill: uniform, algorithm, tolerance: sumOfProducts },
  ]
}

const naive = (m: number, k: number, n: number, why: string) => both("naive", m, k, n, why)
const split = (m: number, k: number, n: number, why: string) => both("split", m, k, n, why)
const blocked = (m: number, k: number, n: number, why: string) => both("blocked", m, k, n, why)
const tiled = (m: number, k: number, n: number, why: string) => both("tiled", m, k, n, why)
const subgroupSplit = (m: number, k: number, n: number, why: string) => both("subgroup-split", m, k, n, why)
const splitBlocked = (m: number, k: number, n: number, why: string) => both("split-blocked", m, k, n, why)
const subgroupBlocked = (m: number, k: number, n: number, why: string) => both("subgroup-blocked", m, k, n, why)

/** Workgroups that such matrices have several of. */
const small: Partial<Record<MatmulAlgorithm, Tuning>> = {
  split: { WG_X: 4, WG_Y: 2 },
  "split-blocked": { WG_X: 1, WG_Y: 2 },
  "split-blocked-vec4": { WG_X: 2, WG_Y: 2 },
  "subgroup-split": { WG: 2 },
  tiled: { WG_X: 2, WG_Y: 3, TILE_K: 4 },
  "tiled-vec4": { WG_X: 2, WG_Y: 3, TILE_K: 8 },
}

const largeBlocks: Tuning = { SIDE: 2 }

const byOne = ["naive", "split", "subgroup-split", "blocked", "subgroup-blocked", "split-blocked", "tiled"] as const
const byFours = ["blocked-vec4", "split-blocked-vec4", "tiled-vec4"] as const

/** What the matrices are beside their sizes, by every algorithm, or those that read by fours alone. */
function every(
  name: string,
  a: Shape,
  b: Shape,
  attributes: Partial<MatmulAttributes>,
  bias = false,
  residual?: Shape,
  algorithms: readonly MatmulAlgorithm[] = byOne,
): Case[] {
  const n = attributes.transposeB ? b.at(-2)! : b.at(-1)!
  const by = (algorithm: MatmulAlgorithm, tuning: Tuning | undefined = small[algorithm], how: string = algorithm) => ({
    name: `${how}, ${name}`,
    shapes: [a, b, bias ? [n] : undefined, residual],
    fill: integers,
    algorithm,
    ...(tuning && { tuning }),
    attributes: attributes as MatmulAttributes,
    tolerance: exact,
  })
  const blocks = algorithms.includes("blocked") ? "blocked" : "blocked-vec4"
  return [...algorithms.map((one) => by(one)), by(blocks, largeBlocks, `large ${blocks}`)]
}

export const cases: Case[] = [
  ...blocked(1, 1, 1, "one"),
  ...blocked(4, 6, 4, "one block"),
  ...blocked(3, 7, 5, "one block less one row, and one column more"),
  ...blocked(37, 9, 70, "ragged"),
  ...[
    blocked(8, 6, 8, "one large block"),
    blocked(9, 7, 9, "large blocks and one"),
    blocked(12, 3, 12, "large blocks, the last of them half full"),
    blocked(37, 9, 70, "large blocks, ragged"),
  ]
    .flat()
    .map((one) => ({ ...one, tuning: largeBlocks })),
  { name: "blocked, batches of whole blocks, a workgroup for each", shapes: [[2, 8, 3], [2, 3, 8]], fill: integers, algorithm: "blocked", tuning: { WG: 1 }, tolerance: exact }, // biome-ignore format: a shape is a line
  ...every("a bias", [6, 5], [5, 7], {}, true),
  ...every("clipped", [6, 5], [5, 7], { activation: { low: -20, high: 30 } }, true),
  ...every("scaled, with a bias", [6, 5], [5, 7], { scale: -2 }, true),
  ...every("clipped, then a residual", [2, 6, 5], [2, 5, 7], { activation: { low: -20 } }, false, [2, 6, 7]),
  ...every("a residual, then clipped", [6, 5], [5, 7], { scale: 2, activation: { low: -20 }, residualFirst: true }, true, [6, 7]), // biome-ignore format: a case a line
  {
    name: "scaled, silu and a residual",
    shapes: [[6, 5], [5, 7], [7], [6, 7]], // biome-ignore format: a list
    fill: uniform,
    attributes: { scale: 0.3, activation: "silu" } as MatmulAttributes,
    tolerance: sumOfProducts,
  },
  ...every("leaky", [6, 5], [5, 7], { activation: { slope: -0.5 } }, true),
  ...activationFunctions.map((name) => ({
    name: `its ${name}`,
    shapes: [
      [6, 5],
      [5, 7],
    ],
    fill: uniform,
    attributes: { activation: name } as MatmulAttributes,
    tolerance: sumOfProducts,
  })),
  ...every("a transposed", [5, 6], [5, 7], { transposeA: true }),
  ...every("b transposed", [6, 5], [7, 5], { transposeB: true }, true),
  ...every("batches", [2, 3, 6, 5], [2, 3, 5, 7], {}),
  ...every("batches of one b", [3, 6, 5], [5, 7], {}),
  ...every("one a for batches of b", [1, 6, 5], [4, 5, 7], {}),
  ...every("batches of two whole tiles each", [3, 24, 5], [3, 5, 7], {}),
  ...every("no batches", [0, 6, 5], [5, 7], {}),
  ...every("fours", [14, 12], [12, 20], {}, false, undefined, byFours),
  ...every("fours of a transposed b", [14, 12], [20, 12], { transposeB: true }, true, undefined, byFours),
  ...every("fours in batches, a bias, then a residual", [2, 5, 8], [2, 8, 12], {}, true, [2, 5, 12], byFours),
  ...every(
    "fours in batches of one b, transposed",
    [3, 5, 8],
    [12, 8],
    { transposeB: true },
    false,
    undefined,
    byFours,
  ),
  ...split(1, 1, 1, "one"),
  ...split(1, 100, 40, "a row, one part of k longer than the others"),
  ...split(2, 8, 32, "two rows, whole workgroups"),
  ...split(3, 7, 33, "three rows, k shorter than its parts, and one column more"),
  ...split(5, 65, 1, "a column").map((one) => ({ ...one, tuning: { WG_X: 1, WG_Y: 64 } })),
  ...splitBlocked(1, 1, 1, "one"),
  ...splitBlocked(9, 100, 70, "ragged, one part of k longer than the others"),
  ...splitBlocked(5, 65, 9, "along k").map((one) => ({ ...one, tuning: { WG_X: 1, WG_Y: 64 } })),
  ...splitBlocked(8, 7, 32, "whole workgroups, k shorter than its parts"),
  ...both("split-blocked-vec4", 5, 100, 36, "ragged, one part of k longer than the others"),
  ...both("tiled-vec4", 65, 20, 68, "one tile and one"),
  ...both("blocked-vec4", 4, 4, 4, "one block"),
  ...subgroupSplit(1, 1, 1, "one"),
  ...subgroupSplit(1, 100, 40, "a row, one part of k longer than the others"),
  ...subgroupSplit(2, 300, 7, "two rows, and one column less than whole workgroups have"),
  ...subgroupSplit(5, 65, 1, "a column").map((one) => ({ ...one, tuning: { WG: 128 } })),
  ...subgroupSplit(3, 7, 9, "k shorter than its parts, and one column more").map((one) => ({
    ...one,
    tuning: { WG: 12 },
  })),
  ...subgroupBlocked(1, 1, 1, "one"),
  ...subgroupBlocked(8, 16, 32, "two whole workgroups by two").map((one) => ({ ...one, tuning: { WG: 4 } })),
  ...subgroupBlocked(3, 131, 255, "one row, and one column less than a workgroup has, and a ragged k"),
  ...subgroupBlocked(9, 127, 257, "one row, and one column more than whole workgroups have"),
  ...naive(1, 1, 1, "one"),
  ...naive(1, 65, 7, "a row"),
  ...naive(7, 65, 1, "a column"),
  ...naive(8, 8, 8, "a whole workgroup"),
  ...naive(9, 7, 7, "one below a workgroup"),
  ...naive(5, 3, 13, "one above a workgroup"),
  ...tiled(1, 1, 1, "one"),
  ...tiled(64, 16, 64, "one tile"),
  ...tiled(63, 15, 63, "one tile less one"),
  ...tiled(65, 17, 65, "one tile and one"),
  ...tiled(130, 40, 70, "six tiles, all ragged"),
  ...tiled(130, 16, 64, "three whole tiles, one below the other"),
  ...tiled(3, 100, 200, "flat"),
  { name: "naive 0×4×3, no rows", shapes: [[0, 4], [4, 3]], fill: integers, algorithm: "naive", tolerance: exact }, // biome-ignore format: a shape is a line
  { name: "naive 3×0×5, empty sums are zeros", shapes: [[3, 0], [0, 5]], fill: integers, algorithm: "naive", tolerance: exact }, // biome-ignore format: a shape is a line
  { name: "tiled 70×0×5, empty sums are zeros", shapes: [[70, 0], [0, 5]], fill: integers, algorithm: "tiled", tolerance: exact }, // biome-ignore format: a shape is a line
  { name: "split 3×0×5, empty sums are zeros", shapes: [[3, 0], [0, 5]], fill: integers, algorithm: "split", tolerance: exact }, // biome-ignore format: a shape is a line
  { name: "split-blocked 3×0×5, empty sums are zeros", shapes: [[3, 0], [0, 5]], fill: integers, algorithm: "split-blocked", tolerance: exact }, // biome-ignore format: a shape is a line
  { name: "tiled 4×3×0, no columns", shapes: [[4, 3], [3, 0]], fill: integers, algorithm: "tiled", tolerance: exact }, // biome-ignore format: a shape is a line
  ...[tiled(19, 11, 21, "small tiles, ragged"), tiled(24, 8, 8, "small tiles, whole")]
    .flat()
    .map((one) => ({ ...one, tuning: { WG_X: 2, WG_Y: 3, TILE_K: 4 } })),
  {
    name: "naive over 65,535 workgroups",
    shapes: [
      [1025, 2],
      [2, 1025],
    ],
    fill: integers,
    algorithm: "naive",
    tuning: { WG: 16 },
    tolerance: exact,
    large: true,
  },
  {
    name: "split over 65,535 workgroups",
    shapes: [
      [257, 2],
      [2, 257],
    ],
    fill: integers,
    algorithm: "split",
    tuning: { WG_X: 1, WG_Y: 2 },
    tolerance: exact,
    large: true,
  },
  {
    name: "split-blocked over 65,535 workgroups",
    shapes: [
      [1025, 1],
      [1, 1025],
    ],
    fill: integers,
    algorithm: "split-blocked",
    tuning: { WG_X: 1, WG_Y: 1 },
    tolerance: exact,
    large: true,
  },
  {
    name: "blocked over 65,535 workgroups",
    shapes: [
      [1025, 1],
      [1, 1025],
    ],
    fill: integers,
    algorithm: "blocked",
    tuning: { WG: 1 },
    tolerance: exact,
    large: true,
  },
  {
    name: "subgroup-split over 65,535 workgroups",
    shapes: [
      [257, 2],
      [2, 1025],
    ],
    fill: integers,
    algorithm: "subgroup-split",
    tuning: { WG: 1 },
    tolerance: exact,
    large: true,
  },
  {
    name: "subgroup-blocked over 65,535 workgroups",
    shapes: [
      [262_145, 1],
      [1, 3],
    ],
    fill: integers,
    algorithm: "subgroup-blocked",
    tuning: { WG: 4 },
    tolerance: exact,
    large: true,
  },
  {
    name: "tiled over 65,535 workgroups",
    shapes: [
      [1036, 1],
      [1, 1025],
    ],
    fill: integers,
    algorithm: "tiled",
    tuning: { WG_X: 1, WG_Y: 1, TILE_K: 1 },
    tolerance: exact,
    large: true,
  },
  ...[
    [64, 300, 65],
    [64, 300, 68],
    [8, 300, 65],
    [8, 300, 68],
  ].map(([m, k, n]) => ({
    name: `the plan's choice for ${m}×${k}×${n}`,
    shapes: [
      [m!, k!],
      [k!, n!],
    ],
    fill: uniform,
    tolerance: sumOfProducts,
  })),
]
