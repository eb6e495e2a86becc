import { arrayTypes, type Dtype, dtypeBytes, isDtype, type TensorData } from "../protocol/dtype.ts"
import { bfloat16Bits, bfloat16Value, float16Bits, float16Value } from "../protocol/float16.ts"
import { invalid, toWire } from "./feeds.ts"
import type { Float16ArrayLike, InputData, Tensor } from "./types.ts"

type Plain<D extends Dtype> = D extends "string"
  ? readonly string[]
  : D extends "int64" | "uint64"
    ? readonly (bigint | number)[]
    : D extends "bool"
      ? readonly (boolean | number)[]
      : readonly number[]

/**
 * A tensor from typed or plain arrays: `tensor("float32", [1, 2], [0.5, 1])`. Numbers become what the dtype is made of (float16 and bfloat16
 * rounded to nearest, ties to even; integers as typed arrays convert them; 64-bit ones also from numbers). 4-bit dtypes take packed bytes only.
 * Throws IPFA_INPUT_INVALID where data and shape don't fit.
 */
export function tensor<D extends Dtype>(dtype: D, shape: readonly number[], data: InputData<D> | Plain<D>): Tensor<D> {
  if (!isDtype(dtype)) throw invalid("dtype", "a dtype such as float32")
  const made = { dtype, shape: [...shape], data: convert(dtype, data) } as Tensor<D>
  toWire({ tensor: made })
  const elems = elements(made.shape)
  const length = dtype === "uint4" || dtype === "int4" ? dtypeBytes(dtype, elems) : elems
  if (!(made.data.length === length)) throw invalid("tensor.data", `${length} elements, as shape says`)
  return made
}

/** The number of elements of `shape`; NaN where a dimension is not a whole number ≥ 0. (protocol/tensor.ts has the schemas beside it, which would weigh a page down.) */
function elements(shape: readonly number[]): number {
  return shape.reduce((n, dim) => (Number.isInteger(dim) && dim >= 0 ? n * dim : Number.NaN), 1)
}

function convert(dtype: Dtype, data: unknown): unknown {
  if (dtype === "string") return Array.isArray(data) ? [...data] : data
  const type = arrayTypes[dtype]
  if (ArrayBuffer.isView(data)) {
    if ((data as unknown as Float16ArrayLike)[Symbol.toStringTag] !== "Float16Array" || dtype !== "float16")
      return data instanceof Uint8ClampedArray && dtype === "uint8" ? new Uint8Array(data) : data
    return new Uint16Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / 2)
  }
  if (!Array.isArray(data) || dtype === "uint4" || dtype === "int4") return data
  if (dtype === "int64" || dtype === "uint64") return (type as typeof BigInt64Array).from(data, BigInt)
  if (dtype === "float16") return Uint16Array.from(data, float16Bits)
  if (dtype === "bfloat16") return Uint16Array.from(data, bfloat16Bits)
  return (type as Float32ArrayConstructor).from(dtype === "bool" ? data.map(Number) : data)
}

/** A tensor's elements as plain numbers, in row-major order: float16 and bfloat16 from their bits, bool as 0 or 1, 64-bit integers rounded. Not for strings. */
export function numbers({ dtype, shape, data }: Tensor): number[] {
  if (dtype === "string") throw invalid("dtype", "a numeric dtype")
  if (dtype === "uint4" || dtype === "int4") {
    const bytes = data as Uint8Array
    return Array.from({ length: elements(shape) }, (_, i) => {
      const nibble = ((bytes[i >> 1] as number) >> (i % 2 ? 4 : 0)) & 15
      return dtype === "int4" && nibble > 7 ? nibble - 16 : nibble
    })
  }
  if (dtype === "float16") return Array.from(data as Uint16Array, float16Value)
  if (dtype === "bfloat16") return Array.from(data as Uint16Array, bfloat16Value)
  return Array.from(data as Iterable<number | bigint>, Number)
}

export type { TensorData }
