import { elems } from "../../gpu-tensor.ts"
import { places } from "../../view.ts"
import type { CopyProblem } from "./copy.ts"

export function reference(
  [x]: readonly (ArrayLike<number> | undefined)[],
  { shape, from, to }: CopyProblem,
): Float64Array {
  const y = new Float64Array(elems(shape))
  const target = places(to)
  for (const [i, place] of places(from).entries()) y[target[i]!] = x![place]!
  return y
}
