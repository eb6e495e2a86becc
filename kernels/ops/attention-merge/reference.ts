import type { Tolerance } from "../../define-kernel.ts"
import { elems } from "../../gpu-tensor.ts"
import { gamma, TINY, ULP } from "../../tolerance.ts"
import type { AttentionMergeProblem } from "./attention-merge.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

/** For each number of the result the splits' sums, what they are weighted by, and their totals. */
function partsOf([x]: Inputs, { shape, splits, size }: AttentionMergeProblem) {
  const rows = elems(shape) / Math.max(size, 1)
  return Array.from({ length: elems(shape) }, (_, i) => {
    const parts = Array.from({ length: splits }, (_, split) => {
      const at = (split * rows + Math.floor(i / size)) * (size + 2)
      return { sum: x![at + (i % size)]!, top: x![at + size]!, total: x![at + size + 1]! }
    })
    const top = Math.max(...parts.map((part) => part.top))
    return parts.map((part) => ({ ...part, kept: Math.exp(part.top - top), distance: top - part.top }))
  })
}

export function reference(inputs: Inputs, problem: AttentionMergeProblem): Float64Array {
  return Float64Array.from(partsOf(inputs, problem), (parts) => {
    const total = parts.reduce((all, { kept, total }) => all + kept * total, 0)
    return total > 0 ? parts.reduce((all, { kept, sum }) => all + kept * sum, 0) / total : 0
  })
}

/** A factor is off by 3 + 3d ULP, d how far its largest score lies below the largest; two sums of as many products as there are splits, and a division. */
export const mergeError: Tolerance<AttentionMergeProblem> = {
  formula: "2.02·((3 + 3d)·ULP + γ(splits + 4))·Σ kept·|sum| / Σ kept·total + TINY·splits",
  bounds(inputs, problem) {
    return Float64Array.from(partsOf(inputs, problem), (parts) => {
      const total = parts.reduce((all, { kept, total }) => all + kept * total, 0)
      const size = parts.reduce((all, { kept, sum }) => all + kept * Math.abs(sum), 0)
      const far = Math.max(...parts.map(({ distance, kept }) => (kept > 0 ? distance : 0)))
      return total > 0
        ? (2.02 * ((3 + 3 * far) * ULP + gamma(problem.splits + 4)) * size) / total + TINY * problem.splits
        : 0
    })
  },
}
