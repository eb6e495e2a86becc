import type { Fill, KernelCase, Shape } from "../../define-kernel.ts"
import type { EpilogueAttributes } from "../../epilogue.ts"
import { filled } from "../../fill.ts"
import { drawnWords, type Headers } from "../../packed/drawn.ts"
import { type GroupFormat, layoutOf, type PackedFormat } from "../../packed/format.ts"
import { type QuantizeOptions, quantize } from "../../packed/quantize.ts"
import { exact } from "../../tolerance.ts"
import type {
  Activations,
  PackedMatmulAlgorithm,
  PackedMatmulAttributes,
  PackedMatmulProblem,
} from "./packed-matmul.ts"
import { int8Error, int8Rounding, packedError } from "./reference.ts"

type Case = KernelCase<PackedMatmulProblem, PackedMatmulAttributes, PackedMatmulAlgorithm>
interface Given extends Headers {
  format: PackedFormat
  a: Shape
  n: number
  bias?: boolean
  residual?: boolean
  fractions?: boolean
  activations?: Activations
  epilogue?: Partial<EpilogueAttributes>
}

const small: Fill = { kind: "integers", low: -8, high: 8 }

function of(name: string, algorithm: PackedMatmulAlgorithm, given: Given, rest: Partial<Case> = {}): Case {
  const { format, a, n, bias, residual, fractions, activations: as = "float32", epilogue } = given
  const full = `${algorithm} ${format}, ${name}`
  const shape = [n, a.at(-1)!] as const
  const w = drawnWords(full, format, shape, given)
  const most = layoutOf(format).block > 128 ? 2 : 8
  const activations: Fill = fractions
    ? { kind: "uniform", low: -1, high: 1 }
    : { kind: "integers", low: -most, high: most }
  return {
    name: full,
    shapes: [a, [w.length], bias ? [n] : undefined, residual ? a.with(-1, n) : undefined],
    dtype: ["float32", "uint32", "float32", "float32"],
    fill: [activations, { kind: "values", values: w }, small, small],
    attributes: { ...epilogue, format, shape, activations: as } as PackedMatmulAttributes,
    algorithm,
    // Whole and half numbers below 2^23: float32 holds every partial sum.
    tolerance: fractions ? packedError : exact,
    ...rest,
  }
}

/** Weights that meet int8 activations: the same code again, but for how it has quants. */
const narrow: Record<PackedMatmulAlgorithm, PackedFormat[]> = {
  gemv: ["q8g32", "q3g64", "Q8_0", "Q5_1", "Q6_K"],
  blocked: ["Q4_0", "q8g32"],
}

/** Activations that are whole 127ths of the largest of their eight: what a kernel makes of them is near enough to tell a wrong one from. */
function int8(name: string, algorithm: PackedMatmulAlgorithm, given: Given): Case {
  const k = given.a.at(-1)!
  const values = Array.from({ length: k }, (_, i) =>
    i % 8 === 3 ? [127, -127][Math.floor(i / 8) % 2]! : ((i * 29) % 255) - 127,
  )
  const made = of(`int8 activations, ${name}`, algorithm, { ...given, activations: "int8" }, { tolerance: int8Error })
  const [, ...rest] = made.fill as Fill[]
  // A last part without a largest of 127 has zeros alone.
  const whole = values.map((value, i) => (i - (i % 8) + 3 < k ? value : 0))
  return { ...made, fill: [{ kind: "values", values: whole }, ...rest] }
}

/** Weights of few levels as `quantize` makes them, times fractions. */
function fewLevels(algorithm: PackedMatmulAlgorithm, format: GroupFormat, options: QuantizeOptions): Case {
  const [n, k] = [5, 200]
  const name = `${options.ternary ? "ternary" : "binary"} weights`
  const numbers = filled("float32", n * k, { kind: "uniform", low: -1, high: 1 }, name)
  const made = of(name, algorithm, { format, a: [2, k], n, fractions: true })
  const [activations, , ...rest] = made.fill as Fill[]
  const { words } = quantize(format, [n, k], numbers, options)
  return { ...made, fill: [activations!, { kind: "values", values: [...words] }, ...rest] }
}

/** Both algorithms unpack by the same code: each format is in the cases of one. */
const ragged: Record<PackedMatmulAlgorithm, PackedFormat[]> = {
  gemv: [
    "q8g64",
    "q4g32",
    "q4g128",
    "q3g32",
    "q3g64",
    "q2g32f",
    "q2g128",
    "Q8_0",
    "Q5_0",
    "Q5_1",
    "Q2_K",
    "Q3_K",
    "Q4_K",
    "Q6_K",
  ],
  blocked: ["q8g32", "q8g128", "q3g128", "q2g64", "q1g128", "q4g128f", "Q4_0", "Q4_1", "Q5_K"],
}

export const cases: Case[] = (["gemv", "blocked"] as const).flatMap((algorithm) => [
  of("subnormal and negative halves", algorithm, { format: "q4g32", a: [1, 96], n: 4, scales: [2 ** -24, -(2 ** -15), 3 * 2 ** -16] }), // biome-ignore format: a case
  of("whole blocks", algorithm, { format: "q4g64", a: [5, 256], n: 6 }),
  of("whole blocks", algorithm, { format: "Q6_K", a: [5, 512], n: 6 }),
  ...ragged[algorithm].map((format) =>
    of("a ragged end, zero points, a bias", algorithm, {
      format,
      a: layoutOf(format).block > 128 ? [2, 500] : [2, 3, 170],
      n: 9,
      zeros: [0, 3, 1],
      bias: true,
    }),
  ),
  ...(["q4g64", "Q5_K"] as const).map(
    (format) =>
    of("fractions", algorithm, { format, a: [2, 200], n: 5, scales: [0.003, -0.7, 0.01], zeros: [0.02, 3.1], fractions: true, bias: true }), // biome-ignore format: a case
  ),
  of("scaled, with a bias", algorithm, { format: "q8g32", a: [5, 40], n: 7, bias: true, epilogue: { scale: -2 } }),
  of("clipped, then a residual", algorithm, { format: "q4g32", a: [2, 3, 40], n: 6, residual: true, epilogue: { activation: { low: -20, high: 50 } } }), // biome-ignore format: a case
  of("a residual, then leaky", algorithm, { format: "q4g32", a: [5, 40], n: 6, bias: true, residual: true, epilogue: { scale: 2, activation: { slope: -0.5 }, residualFirst: true } }), // biome-ignore format: a case
  of("fractions, scaled, silu and a residual", algorithm, { format: "q8g32f", a: [5, 40], n: 6, scales: [0.003, -0.7], zeros: [0.02, 3.1], fractions: true, residual: true, epilogue: { scale: 0.3, activation: "silu" } }), // biome-ignore format: a case
  int8("whole steps", algorithm, { format: "q4g32", a: [5, 64], n: 6, bias: true }),
  ...narrow[algorithm].map((format) => int8("a ragged end", algorithm, { format, a: [2, 42], n: 5, zeros: [0, 3, 1] })),
  of("int8 activations, rounded", algorithm, { format: "q4g64", a: [2, 200], n: 5, scales: [0.003, -0.7], fractions: true, activations: "int8" }, { tolerance: int8Rounding }), // biome-ignore format: a case
  of("int8 activations, all zeros", algorithm, { format: "q4g32", a: [1, 32], n: 2, activations: "int8" }, { fill: [{ kind: "constant", value: 0 }, { kind: "constant", value: 7 }], tolerance: int8Error }), // biome-ignore format: a case
  of("one", algorithm, { format: "q4g32", a: [1, 1], n: 1 }),
  of("no rows", algorithm, { format: "q4g32", a: [0, 32], n: 3 }),
  of("no weights", algorithm, { format: "q4g32", a: [3, 32], n: 0 }),
  of("empty sums are the bias", algorithm, { format: "q4g32", a: [3, 0], n: 2, bias: true }),
  of("several workgroups", algorithm, { format: "q4g32", a: [9, 128], n: 21 }, { tuning: { WG: 8 } }),
  of("a workgroup of one", algorithm, { format: "q4g32", a: [3, 24], n: 6 }, { tuning: { WG: 1 } }),
  ...(["q2g32", "q2g128f"] as const).map((format) => fewLevels(algorithm, format, { ternary: true })),
  ...(["q1g64", "q1g32f"] as const).map((format) => fewLevels(algorithm, format, { clip: "mse" })),
  of(
    "over 65,535 workgroups",
    algorithm,
    { format: "q1g32", a: [algorithm === "gemv" ? 257 : 1025, 1], n: 1025 },
    { tuning: { WG: 1 }, large: true },
  ),
])
