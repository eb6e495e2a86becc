import type { Tolerance } from "../../define-kernel.ts"
import { gamma, TINY, ULP } from "../../tolerance.ts"
import { tolerances } from "../unary/reference.ts"
import type { AttentionProblem } from "./attention.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

/** A key that a query sees: its score, by how much that may be off, and where its value begins. */
interface Seen {
  score: number
  error: number
  place: number
}

/** What a mask hides a key with, or less. */
const HIDDEN = -1e30
/** So far below the largest score a share is 0 in float32, and next to that in float64. */
const FAR = 200
/** No score is less. */
const LOWEST = Math.fround(-3e38)

/** Every query of every head in order, with the keys it sees among those from `first` up to `end` of its sequence. */
function* rowsOf(
  inputs: Inputs,
  problem: AttentionProblem,
  range: (split: number, length: number) => [number, number],
  split = 0,
) {
  const [q, k, , mask, sequences, sinks, slopes] = inputs
  const { batch, heads, kvHeads, seq, size, page, pages, scale, cap, causal, window, offset, hides } = problem
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let s = 0; s < seq; s++) {
        const row = (b * heads + h) * seq + s
        const length = sequences ? sequences[b * (pages + 1)]! : page
        const position = s + (offset ?? length - seq)
        const seen: Seen[] = []
        const [first, end] = range(split, length)
        for (let key = first; key < end; key++) {
          const number = sequences ? sequences[b * (pages + 1) + 1 + Math.floor(key / page)]! : b
          const place = (number * kvHeads + Math.floor(h / (heads / kvHeads))) * page + (key % page)
          const distance = position - key
          const at = mask ? b * problem.mask![0] + h * problem.mask![1] + s * problem.mask![2] + key : 0
          if (causal && distance < 0) continue
          if (window !== undefined && Math.abs(distance) >= window) continue
          if (mask && hides && mask[at]! <= HIDDEN) continue
          let [score, weight] = [0, 0]
          for (let d = 0; d < size; d++) {
            const term = scale * q![row * size + d]! * k![place * size + d]!
            score += term
            weight += Math.abs(term)
          }
          let error = gamma(size + 2) * weight + size * TINY
          if (cap !== undefined) {
            const x = score / cap
            const bend = tolerances.tanh.bounds([[x]], {} as never, Float64Array.of(Math.tanh(x)))[0]!
            error += cap * bend + 6 * ULP * Math.abs(score)
            score = cap * Math.tanh(x)
          }
          const slope = slopes ? slopes[h]! * Math.abs(distance) : 0
          const added = mask ? mask[at]! : 0
          error += 4 * ULP * (Math.abs(score) + Math.abs(slope) + Math.abs(added))
          const sum = score - slope + added
          seen.push(sum < LOWEST ? { score: LOWEST, error: 0, place } : { score: sum, error, place })
        }
        yield { row, seen, sink: sinks && split === 0 ? sinks[h]! : undefined }
      }
}

const topOf = (seen: readonly Seen[], sink: number | undefined) =>
  seen.reduce((top, { score }) => Math.max(top, score), sink ?? Number.NEGATIVE_INFINITY)

/** The keys of one workgroup: all, or those of a split. */
const rangeOf =
  ({ page, pages, splits }: AttentionProblem) =>
  (split: number, length: number): [number, number] => {
    const chunk = Math.ceil((page * pages) / splits)
    return [split * chunk, Math.min(length, (split + 1) * chunk)]
  }

export function reference(inputs: Inputs, problem: AttentionProblem): Float64Array {
  const { batch, heads, seq, vSize, splits } = problem
  const v = inputs[2]!
  const rows = batch * heads * seq
  const width = splits > 1 ? vSize + 2 : vSize
  const y = new Float64Array(splits * rows * width)
  for (let split = 0; split < splits; split++)
    for (const { row, seen, sink } of rowsOf(inputs, problem, rangeOf(problem), split)) {
      const top = topOf(seen, sink)
      const at = (split * rows + row) * width
      let total = sink === undefined ? 0 : Math.exp(sink - top)
      for (const { score, place } of seen) {
        const share = Math.exp(score - top)
        total += share
        for (let d = 0; d < vSize; d++) y[at + d]! += share * v[place * vSize + d]!
      }
      if (splits > 1) {
        y[at + vSize] = Number.isFinite(top) ? top : -3e38
        y[at + vSize + 1] = total
      } else for (let d = 0; d < vSize; d++) y[at + d] = total > 0 ? y[at + d]! / total : 0
    }
  return y
}

/**
 * A share is e to a power that is off by ε: the score's own error, and 1 ULP of a difference up to R = the scores' range, exp's 3 + 2R, and as much again for each of at most n
 * times that the sum so far is brought to a new maximum, whose steps add up to R. A quotient of two such sums is off by e^2ε − 1, and by γ(n + 4) for its roundings.
 */
export const attentionError: Tolerance<AttentionProblem> = {
  formula: "1.01·(e^(2ε) − 1 + γ(2n + 4))·Σ p|v| + 3n·TINY, ε = error of q·k + (3n + 6R + 3)·ULP",
  bounds(inputs, problem, expected) {
    const { batch, heads, seq, vSize, splits } = problem
    const v = inputs[2]!
    const rows = batch * heads * seq
    const width = splits > 1 ? vSize + 2 : vSize
    const bounds = new Float64Array(expected.length)
    for (let split = 0; split < splits; split++)
      for (const { row, seen, sink } of rowsOf(inputs, problem, rangeOf(problem), split)) {
        const top = topOf(seen, sink)
        const n = seen.length + 1
        const at = (split * rows + row) * width
        const near = seen.filter(({ score }) => top - score < FAR)
        const range = near.reduce((most, { score }) => Math.max(most, top - score), sink === undefined ? 0 : top - sink)
        const worst = near.reduce((most, { error }) => Math.max(most, error), 0)
        const epsilon = worst + (3 * n + 6 * range + 3) * ULP
        const relative = 1.01 * (Math.expm1(2 * epsilon) + gamma(2 * n + 4))
        const total = splits > 1 ? 1 : seen.reduce((sum, { score }) => sum + Math.exp(score - top), sink === undefined ? 0 : Math.exp(sink - top)) // biome-ignore format: one sum
        for (let d = 0; d < vSize; d++) {
          const size = seen.reduce(
            (sum, { score, place }) => sum + Math.exp(score - top) * Math.abs(v[place * vSize + d]!),
            0,
          )
          bounds[at + d] = (relative * size) / (total || 1) + 3 * n * TINY
        }
        if (splits > 1) {
          bounds[at + vSize] = Number.isFinite(top) ? worst + ULP * Math.abs(top) : 1e32
          bounds[at + vSize + 1] = relative * expected[at + vSize + 1]! + 3 * n * TINY
        }
      }
    return bounds
  },
}
