import type { Fill, KernelCase } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { SampleAttributes, SampleProblem } from "./sample.ts"

type Case = KernelCase<SampleProblem, SampleAttributes, "row">

const words: Fill = { kind: "integers", low: 0, high: 2 ** 32 - 1 }

/** Many rows: each is a draw of its own. */
function of(
  name: string,
  rows: number,
  cols: number,
  attributes: Partial<SampleAttributes>,
  rest: Partial<Case> & { seen?: boolean; logits?: Fill } = {},
): Case {
  const { seen, logits = { kind: "uniform", low: -3, high: 3 }, ...others } = rest
  return {
    name,
    shapes: [[rows, cols], [4], seen ? [rows, Math.ceil(cols / 32)] : undefined],
    dtype: ["float32", "uint32", "uint32"],
    fill: [logits, words, words],
    attributes: attributes as SampleAttributes,
    tolerance: exact,
    ...others,
  }
}

const few = { tuning: { WG: 16 } }

export const cases: Case[] = [
  of("one token", 1, 1, {}),
  of("no rows", 0, 5, {}),
  of("the largest", 40, 90, { temperature: 0 }, few),
  of("the first of equals", 9, 70, { temperature: 0 }, { ...few, logits: { kind: "integers", low: -2, high: 2 } }),
  of("all tokens", 60, 90, { temperature: 0.8 }, few),
  of("a high temperature", 60, 37, { temperature: 20 }),
  of("seen tokens, the largest", 40, 90, { temperature: 0, repetitionPenalty: 1.7 }, { ...few, seen: true }),
  of("seen tokens", 40, 90, { repetitionPenalty: 0.4 }, { ...few, seen: true }),
  of("seen tokens around zero", 60, 6, { temperature: 0, repetitionPenalty: 3 }, { seen: true, logits: { kind: "uniform", low: -1, high: 1 } }), // biome-ignore format: a case
  of("top-k", 60, 90, { topK: 5, temperature: 3 }, few),
  of("top-k of more than there are", 30, 9, { topK: 50, temperature: 3 }, few),
  of("top-p", 60, 90, { topP: 0.4 }, few),
  of("min-p", 90, 7, { minP: 0.35, temperature: 2 }, few),
  of("top-k, top-p and min-p", 60, 90, { topK: 20, topP: 0.7, minP: 0.3, temperature: 1.5 }, few),
  of("far from zero", 60, 70, { topP: 0.6, topK: 30 }, { ...few, logits: { kind: "uniform", low: 150, high: 153 } }),
  of("all below zero", 60, 70, { topK: 7, temperature: 2 }, { ...few, logits: { kind: "uniform", low: -90, high: -87 } }), // biome-ignore format: a case
  of("over 65,535 workgroups", 65_537, 2, { temperature: 0 }, { tuning: { WG: 1 }, large: true }),
]
