import { arrayTypes, type TensorData } from "../protocol/dtype.ts"
import { float16Bits } from "../protocol/float16.ts"
import type { Fill, StoredDtype } from "./define-kernel.ts"

/** `elems` elements as `fill` says, the same for the same `seed` everywhere. */
export function filled<D extends StoredDtype>(dtype: D, elems: number, fill: Fill, seed: string): TensorData<D> {
  const random = mulberry32(fnv1a(seed))
  const next = (i: number): number => {
    switch (fill.kind) {
      case "uniform":
        return fill.low + (fill.high - fill.low) * random()
      case "integers":
        return fill.low + Math.floor((fill.high - fill.low + 1) * random())
      case "constant":
        return fill.value
      case "values":
        return fill.values[i % fill.values.length]!
    }
  }
  const data = new arrayTypes[dtype](elems)
  for (let i = 0; i < elems; i++) data[i] = dtype === "float16" ? float16Bits(next(i)) : next(i)
  return data as TensorData<D>
}

/** FNV-1a, 32 bits. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (const char of text) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193)
  return hash >>> 0
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state, uniform in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
