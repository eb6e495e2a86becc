/** Arithmetic on the few elements that inference follows through a graph. An element that isn't known is null. */
import { elems, isKnown, MAX_KNOWN_ELEMS, type Shape, type Value } from "./value.ts"

export type Elements = readonly (number | null)[]

/** A result that is a whole number beyond 2^53 is no longer exact, so it counts as unknown. */
export function exact(x: number, isInteger: boolean): number | null {
  if (Number.isNaN(x)) return null
  return isInteger && !Number.isSafeInteger(x) ? null : x
}

export function strides(shape: readonly number[]): number[] {
  const out = new Array<number>(shape.length)
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    out[i] = step
    step *= shape[i]!
  }
  return out
}

/** The elements of a tensor of `shape`, each asked for by its index; undefined where there are too many or the shape isn't known. */
export function fill(shape: Shape, at: (index: readonly number[]) => number | null): Elements | undefined {
  if (!isKnown(shape)) return undefined
  const n = elems(shape)!
  if (n > MAX_KNOWN_ELEMS) return undefined
  const index = new Array<number>(shape.length).fill(0)
  const out: (number | null)[] = []
  for (let k = 0; k < n; k++) {
    out.push(at(index))
    for (let i = shape.length - 1; i >= 0; i--) {
      index[i]!++
      if (index[i]! < shape[i]!) break
      index[i] = 0
    }
  }
  return out
}

/** `v` as if broadcast: its element at an index of the larger shape. */
export function reader(v: Value): ((index: readonly number[]) => number | null) | undefined {
  const { data, shape } = v
  if (!data || !isKnown(shape)) return undefined
  const step = strides(shape).map((s, i) => (shape[i] === 1 ? 0 : s))
  return (index) => {
    const skip = index.length - shape.length
    let at = 0
    for (let i = 0; i < shape.length; i++) at += step[i]! * index[i + skip]!
    return data[at] ?? null
  }
}

/** `f` of the inputs' elements, broadcast to `shape`; undefined unless all inputs are followed. */
export function zip(
  shape: Shape,
  inputs: readonly Value[],
  isInteger: boolean,
  f: (...xs: number[]) => number,
): Elements | undefined {
  const readers = inputs.map(reader)
  if (readers.some((r) => !r)) return undefined
  return fill(shape, (index) => {
    const xs = readers.map((r) => r!(index))
    return xs.includes(null) ? null : exact(f(...(xs as number[])), isInteger)
  })
}
