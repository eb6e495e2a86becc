import { elems } from "../../gpu-tensor.ts"
import type { View } from "../../view.ts"
import type { CopyProblem } from "./copy.ts"

/** The places of a view's elements, in order. */
export function places({ shape, strides, offset }: View): number[] {
  let list = [offset]
  for (const [axis, size] of shape.entries())
    list = list.flatMap((place) => Array.from({ length: size }, (_, i) => place + i * strides[axis]!))
  return list
}

export function reference(
  [x]: readonly (ArrayLike<number> | undefined)[],
  { shape, from, to }: CopyProblem,
): Float64Array {
  const y = new Float64Array(elems(shape))
  const target = places(to)
  for (const [i, place] of places(from).entries()) y[target[i]!] = x![place]!
  return y
}
