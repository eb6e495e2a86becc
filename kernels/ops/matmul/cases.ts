import type { Fill, KernelCase } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { MatmulAlgorithm, MatmulProblem } from "./matmul.ts"
import { sumOfProducts } from "./reference.ts"

type Case = KernelCase<MatmulProblem, Record<string, never>, MatmulAlgorithm>

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
const tiled = (m: number, k: number, n: number, why: string) => both("tiled", m, k, n, why)

export const cases: Case[] = [
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
    name: "tiled over 65,535 workgroups",
    shapes: [
      [1040, 1],
      [1, 1025],
    ],
    fill: integers,
    algorithm: "tiled",
    tuning: { WG_X: 1, WG_Y: 1, TILE_K: 1 },
    tolerance: exact,
    large: true,
  },
  {
    name: "the plan's choice for 64×300×65",
    shapes: [
      [64, 300],
      [300, 65],
    ],
    fill: uniform,
    tolerance: sumOfProducts,
  },
]
