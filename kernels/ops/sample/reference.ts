import { philox4x32 } from "../../philox.ts"
import type { SampleProblem } from "./sample.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

/** The tokens of `logits` that top-k, top-p and min-p leave, with what they were divided and penalized to. */
function left([logits, , seen]: Inputs, row: number, problem: SampleProblem): Map<number, number> {
  const { cols, temperature, topK, topP, minP, repetitionPenalty } = problem
  const words = Math.ceil(cols / 32)
  const values = Array.from({ length: cols }, (_, i): [number, number] => {
    const x = logits![row * cols + i]!
    const isSeen = seen && ((seen[row * words + Math.floor(i / 32)]! >>> (i % 32)) & 1) === 1
    const penalized = isSeen ? (x > 0 ? x / repetitionPenalty : x * repetitionPenalty) : x
    return [i, penalized / (temperature || 1)]
  })
  if (temperature === 0) return new Map(values)
  const sorted = values.toSorted(([, a], [, b]) => b - a)
  const top = sorted[0]![1]
  const least = sorted[Math.min(topK || cols, cols) - 1]![1]
  const kept = sorted.filter(([, x]) => x >= least)
  const all = kept.reduce((sum, [, x]) => sum + Math.exp(x - top), 0)
  let sum = 0
  const nucleus = kept.filter(([, x]) => {
    const before = sum
    sum += Math.exp(x - top)
    return topP === 1 || before < topP * all
  })
  return new Map(nucleus.filter(([, x]) => minP === 0 || x >= top + Math.log(minP)))
}

function gumbel(bits: number): number {
  return -Math.log(-Math.log1p(-((bits >>> 9) + 0.5) / 2 ** 23))
}

export function reference(inputs: Inputs, problem: SampleProblem): Float64Array {
  const draw = inputs[1]!
  return Float64Array.from({ length: problem.rows }, (_, row) => {
    const tokens = left(inputs, row, problem)
    const scores = [...tokens].map(([token, x]): [token: number, score: number] => {
      if (problem.temperature === 0) return [token, x]
      const words = philox4x32([Math.floor(token / 4), row, draw[2]!, draw[3]!], [draw[0]!, draw[1]!])
      return [token, x + gumbel(words[token % 4]!)]
    })
    return scores.reduce((best, one) => (one[1] > best[1] || (one[1] === best[1] && one[0] < best[0]) ? one : best))[0]
  })
}
