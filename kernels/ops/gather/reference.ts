import type { GatherProblem } from "./gather.ts"

export function reference(
  [x, indices]: readonly (ArrayLike<number> | undefined)[],
  { outer, size, inner, count }: GatherProblem,
): Float64Array {
  const y = new Float64Array(outer * count * inner)
  for (let at = 0; at < y.length; at++) {
    const given = indices![Math.floor(at / inner) % count]!
    const index = given < 0 ? given + size : given
    const row = Math.floor(at / (inner * count)) * size + index
    y[at] = index < 0 || index >= size ? 0 : x![row * inner + (at % inner)]!
  }
  return y
}
