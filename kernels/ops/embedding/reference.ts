import type { Tolerance } from "../../define-kernel.ts"
import type { Step } from "../../packed/block.ts"
import { unpack } from "../../packed/packed-tensor.ts"
import { gamma, TINY } from "../../tolerance.ts"
import type { EmbeddingProblem } from "./embedding.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

/** Each index's row of what `value` makes of the weights: unless given the weights themselves. */
function picked(
  [indices, words]: Inputs,
  { format, rows, cols }: EmbeddingProblem,
  value?: (quant: number, step: Step) => number,
): Float64Array {
  const w = unpack({ format, shape: [rows, cols], words: words as Uint32Array<ArrayBuffer> }, value)
  const y = new Float64Array(indices!.length * cols)
  for (let i = 0; i < indices!.length; i++) {
    const given = indices![i]!
    const row = given < 0 ? given + rows : given
    if (row >= 0 && row < rows) y.set(w.subarray(row * cols, (row + 1) * cols), i * cols)
  }
  return y
}

export function reference(inputs: Inputs, problem: EmbeddingProblem): Float64Array {
  return picked(inputs, problem)
}

/** Five roundings: of a group's size or low, of q − zero, of their product, and of the difference. */
export const unpackingError: Tolerance<EmbeddingProblem> = {
  formula: "γ(5)·(|size·(q − zero)| + |low|) + 5·TINY",
  bounds(inputs, problem) {
    const sizes = picked(inputs, problem, (q, { size, zero, low }) => Math.abs(size * (q - zero)) + Math.abs(low))
    return sizes.map((size) => gamma(5) * size + 5 * TINY)
  },
}
