import type { Fill, KernelCase } from "../../define-kernel.ts"
import type { AttentionAttributes, AttentionProblem } from "./attention.ts"
import { attentionError } from "./reference.ts"

type Case = KernelCase<AttentionProblem, AttentionAttributes, "online">
interface Given {
  batch?: number
  heads?: number
  kvHeads?: number
  seq?: number
  size?: number
  vSize?: number
  /** Tokens of a page: all of a sequence's keys unless `sequences` has its pages. */
  page: number
  sequences?: number[][]
  mask?: readonly [batch: number, heads: number, seq: number]
  /** Over and over; unless given, each third key is hidden, here more and there less. */
  masked?: number[]
  sinks?: boolean
  slopes?: boolean
}

const uniform: Fill = { kind: "uniform", low: -2, high: 2 }

const hidden = [0.5, -1.25, -2e30, 2, 0, -1e38, 1]
/** For three queries of 11 keys: the first and the last as above, and one from which all are hidden. */
const allHidden = [
  ...Array.from({ length: 22 }, (_, i) => (i < 11 ? hidden[i % 7]! : -3.4e38)),
  ...hidden,
  ...hidden.slice(0, 4),
]

function of(name: string, given: Given, attributes: Partial<AttentionAttributes> = {}, rest: Partial<Case> = {}): Case {
  const { batch = 1, heads = 2, kvHeads = heads, seq = 5, size = 6, vSize = size, page, sequences, mask, masked = hidden, sinks, slopes } = given // biome-ignore format: the case
  const pages = sequences ? sequences[0]!.length - 1 : 1
  const kept = sequences ? 1 + Math.max(...sequences.flatMap(([, ...own]) => own)) : batch
  return {
    name,
    shapes: [
      [batch, heads, seq, size],
      [kept, kvHeads, page, size],
      [kept, kvHeads, page, vSize],
      mask && [...mask, page * pages],
      sequences && [batch, 1 + pages],
      sinks ? [heads] : undefined,
      slopes ? [heads] : undefined,
    ],
    dtype: ["float32", "float32", "float32", "float32", "int32", "float32", "float32"],
    fill: [
      uniform,
      uniform,
      uniform,
      { kind: "values", values: masked },
      { kind: "values", values: sequences?.flat() ?? [0] },
      { kind: "uniform", low: 0, high: 2 },
      { kind: "uniform", low: 0.1, high: 0.5 },
    ],
    attributes: attributes as AttentionAttributes,
    tolerance: attentionError,
    ...rest,
  }
}

/** So few invocations that there are several tiles of keys. */
const few = { tuning: { WG: 8, SIZE: 6, V_SIZE: 6 } }
const pages = [
  [11, 4, 2, 0],
  [6, 5, 1, 3],
]

export const cases: Case[] = [
  of("one query, one key", { heads: 1, seq: 1, size: 1, page: 1 }),
  of("no queries", { seq: 0, page: 4 }),
  of("no keys", { page: 0 }),
  of("every query sees every key", { batch: 2, page: 21 }, {}, few),
  of("one tile", { page: 21 }),
  of("cross attention, values of another size", { page: 9, size: 5, vSize: 7 }, {}, { tuning: { WG: 4, SIZE: 5, V_SIZE: 7 } }), // biome-ignore format: a case
  of("causal", { page: 12, seq: 12 }, { causal: true }, few),
  of("causal, queries at the end", { page: 21 }, { causal: true }, few),
  of("causal, queries in the middle", { page: 21 }, { causal: true, offset: 7 }, few),
  of("queries that see nothing", { page: 6 }, { causal: true, offset: -3 }, few),
  of("a sliding window", { page: 21 }, { causal: true, window: 4 }, few),
  of("a window to both sides", { page: 21 }, { window: 3, offset: 8 }, few),
  of("four heads to a key, a scale", { heads: 8, kvHeads: 2, seq: 3, page: 19 }, { scale: 0.7 }, few),
  of("one key for all heads, one query", { heads: 6, kvHeads: 1, seq: 1, page: 19 }, {}, few),
  of("a mask", { batch: 2, seq: 3, page: 11, mask: [2, 2, 3] }, {}, few),
  of("a mask for all, by key", { batch: 2, seq: 3, page: 11, mask: [1, 1, 1] }, {}, few),
  of("a mask that is only added", { seq: 3, page: 11, mask: [1, 1, 3], masked: allHidden }, { hides: false }, few),
  of("capped scores", { page: 11, sinks: true }, { cap: 1.5, scale: 2 }, few),
  of("ALiBi", { page: 13, slopes: true }, { causal: true }, few),
  of("ALiBi to both sides", { page: 13, slopes: true }, { offset: 4 }, few),
  of("sinks", { page: 13, sinks: true }, {}, few),
  of("pages", { batch: 2, seq: 3, page: 4, sequences: pages }, { causal: true }, few),
  of("split between workgroups", { batch: 2, seq: 3, page: 21, sinks: true }, { splits: 3, causal: true }, few),
  of("pages, split", { batch: 2, heads: 4, kvHeads: 2, seq: 1, page: 4, sequences: pages }, { splits: 2 }, few),
  of("large scores", { page: 37 }, { scale: 30 }, { tuning: { WG: 16, SIZE: 6, V_SIZE: 6 } }),
  of("over 65,535 workgroups", { batch: 65_537, heads: 1, seq: 1, size: 1, page: 1 }, {}, { tuning: { WG: 1, SIZE: 1, V_SIZE: 1 }, large: true }), // biome-ignore format: a case
]
