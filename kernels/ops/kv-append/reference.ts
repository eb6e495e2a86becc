import { elems } from "../../gpu-tensor.ts"
import { pairedHalves } from "../../halves.ts"
import { untouched } from "../../run-case.ts"
import type { KvAppendProblem } from "./kv-append.ts"

export function reference(
  [x, sequences]: readonly (ArrayLike<number> | undefined)[],
  { shape, cache, pages, dtype }: KvAppendProblem,
): Float64Array {
  const isHalf = dtype === "float16"
  const words = isHalf ? pairedHalves(x!) : x!
  const [batch, heads, seq, numbers] = shape as [number, number, number, number]
  const size = isHalf ? numbers / 2 : numbers
  const page = cache[2]!
  const y = new Float64Array(elems(cache.with(3, size))).fill(untouched(isHalf ? "uint32" : "float32"))
  for (let b = 0; b < batch; b++) {
    const [length = 0, ...own] = Array.from({ length: 1 + pages }, (_, i) => sequences![b * (1 + pages) + i]!)
    for (let s = 0; s < seq; s++) {
      const at = length + s
      const number = own[Math.floor(at / page)]
      if (number === undefined || number < 0 || number >= cache[0]!) continue
      for (let h = 0; h < heads; h++)
        for (let e = 0; e < size; e++)
          y[((number * heads + h) * page + (at % page)) * size + e] = words[((b * heads + h) * seq + s) * size + e]!
    }
  }
  return y
}
