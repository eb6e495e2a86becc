import type { Dtype } from "../protocol/dtype.ts"

/** The typed fields of a TensorProto. */
export type DataField = "floatData" | "int32Data" | "stringData" | "int64Data" | "doubleData" | "uint64Data"

export interface ElementType {
  /** The format's number for it (TensorProto.DataType). */
  number: number
  name: string
  /** Bits an element takes in raw_data; 0 for strings, which have none. */
  bits: number
  /** Our name, where callers can pass such tensors. */
  dtype?: Dtype
  /** Where its elements are when they are not in raw_data. */
  field: DataField
  /** Entries of `field` per element. */
  entries: number
}

const type = (
  number: number,
  name: string,
  bits: number,
  dtype: Dtype | undefined,
  field: DataField,
  entries = 1,
): ElementType => ({ number, name, bits, dtype, field, entries })

/** Every element type of ONNX 1.19 [onnx.proto, TensorProto.DataType]. */
const elementTypes: readonly ElementType[] = [
  type(1, "float32", 32, "float32", "floatData"),
  type(2, "uint8", 8, "uint8", "int32Data"),
  type(3, "int8", 8, "int8", "int32Data"),
  type(4, "uint16", 16, "uint16", "int32Data"),
  type(5, "int16", 16, "int16", "int32Data"),
  type(6, "int32", 32, "int32", "int32Data"),
  type(7, "int64", 64, "int64", "int64Data"),
  type(8, "string", 0, "string", "stringData"),
  type(9, "bool", 8, "bool", "int32Data"),
  type(10, "float16", 16, "float16", "int32Data"),
  type(11, "float64", 64, "float64", "doubleData"),
  type(12, "uint32", 32, "uint32", "uint64Data"),
  type(13, "uint64", 64, "uint64", "uint64Data"),
  type(14, "complex64", 64, undefined, "floatData", 2),
  type(15, "complex128", 128, undefined, "doubleData", 2),
  type(16, "bfloat16", 16, "bfloat16", "int32Data"),
  type(17, "float8e4m3fn", 8, undefined, "int32Data"),
  type(18, "float8e4m3fnuz", 8, undefined, "int32Data"),
  type(19, "float8e5m2", 8, undefined, "int32Data"),
  type(20, "float8e5m2fnuz", 8, undefined, "int32Data"),
  type(21, "uint4", 4, "uint4", "int32Data", 0.5),
  type(22, "int4", 4, "int4", "int32Data", 0.5),
  type(23, "float4e2m1", 4, undefined, "int32Data", 0.5),
  type(24, "float8e8m0", 8, undefined, "int32Data"),
]

const byNumber: (ElementType | undefined)[] = []
for (const t of elementTypes) byNumber[t.number] = t

/** The element type with the format's number `n`, if there is one. */
export function elementType(n: number): ElementType | undefined {
  return byNumber[n]
}

const byDtype = new Map(elementTypes.flatMap((t) => (t.dtype ? [[t.dtype, t.number] as const] : [])))

/** The format's number for `dtype`. */
export function elementTypeNumber(dtype: Dtype): number {
  return byDtype.get(dtype)!
}

/** Bytes of `elems` elements in raw_data. */
export function storedBytes(t: ElementType, elems: number): number {
  return Math.ceil((t.bits / 8) * elems)
}
