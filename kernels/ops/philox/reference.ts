import { philox4x32 } from "../../philox.ts"

export function reference([counter, rest, key]: readonly (ArrayLike<number> | undefined)[]): Float64Array {
  const words = new Float64Array(4 * counter!.length)
  for (let i = 0; i < counter!.length; i++)
    words.set(philox4x32([counter![i]!, rest![0]!, rest![1]!, rest![2]!], [key![0]!, key![1]!]), 4 * i)
  return words
}
