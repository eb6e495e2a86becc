import type { KernelCase, Shape } from "../../define-kernel.ts"
import { drawnWords, type Headers } from "../../packed/drawn.ts"
import { bitWidths, type GroupFormat, ggufFormats, layoutOf, type PackedFormat } from "../../packed/format.ts"
import { exact } from "../../tolerance.ts"
import type { EmbeddingAttributes, EmbeddingProblem } from "./embedding.ts"
import { unpackingError } from "./reference.ts"

type Case = KernelCase<EmbeddingProblem, EmbeddingAttributes, "flat">

interface Given extends Headers, Partial<Case> {
  /** The indices, else some of all that there are, from both ends. */
  values?: readonly number[]
}

function of(
  name: string,
  format: PackedFormat,
  shape: readonly [rows: number, cols: number],
  indices: Shape,
  { values, scales, zeros, ...rest }: Given = {},
): Case {
  const full = `${format}, ${name}`
  const words = drawnWords(full, format, shape, { ...(scales && { scales }), ...(zeros && { zeros }) })
  return {
    name: full,
    shapes: [indices, [words.length]],
    dtype: ["int32", "uint32"],
    fill: [
      values ? { kind: "values", values } : { kind: "integers", low: -shape[0], high: shape[0] - 1 },
      { kind: "values", values: words },
    ],
    attributes: { format, shape },
    // Whole and half numbers below 2^23.
    tolerance: exact,
    ...rest,
  }
}

const formats: readonly PackedFormat[] = [
  ...bitWidths.map((bits): GroupFormat => `q${bits}g32`),
  "q4g128f",
  ...ggufFormats,
]

/** The first catch most, so that a wrong variant is held against few. */
export const cases: Case[] = [
  ...formats.map((format) =>
    of("a ragged end, zero points", format, [5, layoutOf(format).block > 128 ? 500 : 170], [7], { zeros: [0, 3, 1] }),
  ),
  of("one", "q4g32", [1, 1], [1]),
  of("no indices", "q4g32", [3, 32], [0]),
  of("no columns", "q4g32", [3, 0], [2]),
  of("a scalar index", "q4g32", [5, 40], []),
  of("a table of indices", "q8g64", [6, 64], [2, 3]),
  of("outside, at both ends", "q4g32", [3, 33], [6], { values: [3, -4, 2, -3, 100, -100] }),
  ...(["q4g64", "Q5_K"] as const).map((format) =>
    of("fractions", format, [3, 200], [4], {
      scales: [0.003, -0.7, 0.01],
      zeros: [0.02, 3.1],
      tolerance: unpackingError,
    }),
  ),
  of("subnormal and negative halves", "q4g32", [4, 96], [5], { scales: [2 ** -24, -(2 ** -15), 3 * 2 ** -16] }),
  of("one workgroup and one", "q4g32", [4, 8], [65]),
  of("over 65,535 workgroups", "q1g32", [9, 1], [65_537 * 4 + 1], { tuning: { WG: 4 }, large: true }),
]
