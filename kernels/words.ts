import { arrayTypes, type Dtype, type TensorData } from "../protocol/dtype.ts"
import { fail } from "../protocol/errors/error.ts"
import { float16Bits, float16Value } from "../protocol/float16.ts"
import type { GpuDtype, StoredDtype } from "./define-kernel.ts"

/** What each dtype is computed as: WGSL has 32-bit words. 64-bit integers are narrowed where they fit, bool is 1 or 0. A result beyond 32 bits is not noticed. */
export const computedAs = {
  float32: "float32",
  float16: "float32",
  int64: "int32",
  int32: "int32",
  int16: "int32",
  int8: "int32",
  uint16: "int32",
  uint8: "int32",
  uint32: "uint32",
  bool: "uint32",
} as const satisfies Partial<Record<Dtype, GpuDtype>>
/** What a tensor may be made of and read as. */
export type TensorDtype = keyof typeof computedAs
type ComputedAs<D extends TensorDtype> = (typeof computedAs)[D]
/** What a GpuTensor made of D holds: itself, or the words that it is computed as. */
export type StoredAs<D extends TensorDtype> = D extends StoredDtype ? D : ComputedAs<D>
/** What a GpuTensor that holds D can be read as: what is computed as the same. */
export type ReadableAs<D extends StoredDtype> = {
  [E in TensorDtype]: ComputedAs<E> extends ComputedAs<D> ? E : never
}[TensorDtype]

export type Words = TensorData<GpuDtype>

/** `data`, elements of `dtype`, as words. Throws what `refuse` makes of a 64-bit integer that 32 bits don't hold. */
export function wordsFrom(dtype: TensorDtype, data: TensorData, refuse: (value: bigint) => Error): Words {
  if (dtype === "float16") return Float32Array.from(data as Uint16Array, float16Value)
  if (dtype === "int64")
    return Int32Array.from(data as BigInt64Array, (value) => {
      if (BigInt.asIntN(32, value) !== value) throw refuse(value)
      return Number(value)
    })
  const type = arrayTypes[computedAs[dtype]]
  return data instanceof type ? data : type.from(data as unknown as ArrayLike<number>)
}

/** Words as the elements of `dtype`: float16 rounded to the nearest, whole numbers as typed arrays convert them. */
export function fromWords(dtype: Dtype, words: Words): TensorData {
  if (dtype === "float16") return Uint16Array.from(words, float16Bits)
  if (dtype === "int64") return BigInt64Array.from(words as Int32Array, BigInt)
  const type = arrayTypes[dtype as "float32"]
  return words instanceof type
    ? words
    : (type as { from(list: ArrayLike<number>): Float32Array<ArrayBuffer> }).from(words)
}

/** Throws IPFA_INPUT_INVALID where `data` is another array than `dtype` is carried by: by its tag, which an array of another frame has too. */
export function checkArray(dtype: TensorDtype, data: TensorData | undefined): void {
  const { name } = arrayTypes[dtype]
  const tag: string | undefined = (data as Words | undefined)?.[Symbol.toStringTag]
  if (tag !== name)
    throw fail("IPFA_INPUT_INVALID", {
      message: `A tensor of ${dtype} takes its data as ${name}, not as ${tag ?? typeof data}.`,
      data: { path: "data", expected: name },
    })
}

/** `data` of `dtype` as a GpuTensor holds it. Throws IPFA_INPUT_INVALID for another array than the dtype's, for a dtype that is none of these, and for a 64-bit integer that 32 bits don't hold. */
export function stored<D extends TensorDtype>(
  dtype: D,
  data: TensorData<D>,
): { dtype: StoredDtype; data: Words | Uint16Array<ArrayBuffer> } {
  const refuse = (path: string, message: string) => fail("IPFA_INPUT_INVALID", { message, data: { path } })
  if (!Object.hasOwn(computedAs, dtype))
    throw refuse("dtype", `Kernels compute no ${dtype}, but ${Object.keys(computedAs).join(", ")}.`)
  checkArray(dtype, data)
  if (dtype === "float16") return { dtype, data: data as Uint16Array<ArrayBuffer> }
  const words = wordsFrom(dtype, data, (value) =>
    refuse("data", `${value} does not fit the 32 bits that kernels compute in.`),
  )
  return { dtype: computedAs[dtype], data: words }
}

/**
 * What a tensor of `dtype` holds, read as `as`: floating-point numbers rounded to the nearest. Throws IPFA_INPUT_INVALID for a whole number that `as` does not hold, and
 * where the two are not computed as the same.
 */
export function readAs(dtype: StoredDtype, data: TensorData<StoredDtype>, as: TensorDtype): TensorData {
  const refuse = (message: string) => fail("IPFA_INPUT_INVALID", { message, data: { path: "as" } })
  if (computedAs[as] !== computedAs[dtype]) throw refuse(`A tensor of ${dtype} can't be read as ${as}: cast it first.`)
  const words = dtype === "float16" ? Float32Array.from(data, float16Value) : (data as Words)
  const made = fromWords(as, words)
  if (words instanceof Float32Array) return made
  const wrong = words.findIndex((word, i) => Number(made[i]) !== word || (as === "bool" && word > 1))
  if (wrong >= 0) throw refuse(`Element ${wrong} is ${words[wrong]}, which ${as} does not hold: read it as ${dtype}.`)
  return made
}
