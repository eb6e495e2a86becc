import type { Fill, KernelCase, Shape } from "../../define-kernel.ts"
import { filled } from "../../fill.ts"
import { layoutOf, middleOf, type PackedFormat, packedWords } from "../../packed/format.ts"
import { writeGroup } from "../../packed/group.ts"
import { exact } from "../../tolerance.ts"
import type { PackedMatmulAlgorithm, PackedMatmulAttributes, PackedMatmulProblem } from "./packed-matmul.ts"
import { packedError } from "./reference.ts"

type Case = KernelCase<PackedMatmulProblem, PackedMatmulAttributes, PackedMatmulAlgorithm>
interface Given {
  format: PackedFormat
  a: Shape
  n: number
  /** What each group's scale is one of; float32 and float16 hold powers of two exactly. */
  scales?: readonly number[]
  /** Zero points of their own; else the middle. */
  zeros?: readonly number[]
  bias?: boolean
  fractions?: boolean
}

/** Words with quants drawn for `name`, the same everywhere. */
function words(name: string, { format, a, n, scales = [1, -2, 0.5], zeros }: Given): number[] {
  const layout = layoutOf(format)
  const all = new Uint32Array(packedWords(format, n, a.at(-1)!))
  const groups = all.length / layout.blockWords
  const drawn = filled("uint32", groups * layout.block, { kind: "integers", low: 0, high: 2 ** layout.bits - 1 }, name)
  for (let group = 0; group < groups; group++)
    writeGroup(all, group * layout.blockWords, layout, {
      scale: scales[group % scales.length]!,
      zero: zeros?.[group % zeros.length] ?? middleOf(layout.bits),
      quants: drawn.subarray(group * layout.block),
    })
  return [...all]
}

function of(name: string, algorithm: PackedMatmulAlgorithm, given: Given, rest: Partial<Case> = {}): Case {
  const { format, a, n, bias, fractions } = given
  const full = `${algorithm} ${format}, ${name}`
  const w = words(full, given)
  const activations: Fill = fractions ? { kind: "uniform", low: -1, high: 1 } : { kind: "integers", low: -8, high: 8 }
  return {
    name: full,
    shapes: [a, [w.length], bias ? [n] : undefined],
    dtype: ["float32", "uint32", "float32"],
    fill: [activations, { kind: "values", values: w }, { kind: "integers", low: -8, high: 8 }],
    attributes: { format, shape: [n, a.at(-1)!] },
    algorithm,
    // Whole and half numbers far below 2^23: float32 holds every partial sum.
    tolerance: fractions ? packedError : exact,
    ...rest,
  }
}

const formats: PackedFormat[] = ["q8g32", "q4g32", "q3g64", "q2g64", "q1g128", "q4g128f", "q2g32f"]

export const cases: Case[] = (["gemv", "blocked"] as const).flatMap((algorithm) => [
  ...formats.flatMap((format) => [
    of("whole blocks", algorithm, { format, a: [5, 256], n: 6 }),
    of("a ragged end, zero points, a bias", algorithm, {
      format,
      a: [2, 3, 170],
      n: 9,
      zeros: [0, 3, 1],
      bias: true,
    }),
  ]),
  of("fractions", algorithm, { format: "q4g64", a: [2, 200], n: 5, scales: [0.003, -0.7, 0.01], fractions: true, bias: true }), // biome-ignore format: a case
  of("subnormal and negative halves", algorithm, { format: "q4g32", a: [1, 96], n: 4, scales: [2 ** -24, -(2 ** -15), 3 * 2 ** -16] }), // biome-ignore format: a case
  of("one", algorithm, { format: "q4g32", a: [1, 1], n: 1 }),
  of("no rows", algorithm, { format: "q4g32", a: [0, 32], n: 3 }),
  of("no weights", algorithm, { format: "q4g32", a: [3, 32], n: 0 }),
  of("empty sums are the bias", algorithm, { format: "q4g32", a: [3, 0], n: 2, bias: true }),
  of("several workgroups", algorithm, { format: "q4g32", a: [9, 128], n: 21 }, { tuning: { WG: 8 } }),
  of("a workgroup of one", algorithm, { format: "q4g32", a: [3, 24], n: 6 }, { tuning: { WG: 1 } }),
  of(
    "over 65,535 workgroups",
    algorithm,
    { format: "q1g32", a: [algorithm === "gemv" ? 257 : 1025, 1], n: 1025 },
    { tuning: { WG: 1 }, large: true },
  ),
])
