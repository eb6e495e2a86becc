/** The element types of a tensor, by the names used everywhere in this project. Edges (ORT, safetensors, KServe, WGSL) map to them. */
export const dtypes = [
  "float64",
  "float32",
  "float16",
  "bfloat16",
  "int64",
  "int32",
  "int16",
  "int8",
  "uint64",
  "uint32",
  "uint16",
  "uint8",
  "uint4",
  "int4",
  "bool",
  "string",
] as const

export type Dtype = (typeof dtypes)[number]

/** What carries each dtype's elements. float16 and bfloat16 travel as their bits; bool as 0 or 1; 4-bit types packed, low nibble first. */
export const arrayTypes = {
  float64: Float64Array,
  float32: Float32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  uint4: Uint8Array,
  int4: Uint8Array,
  bool: Uint8Array,
} as const satisfies Record<Exclude<Dtype, "string">, unknown>

/** Bytes that `elems` elements of `dtype` take, packed: two 4-bit elements share a byte. Strings have no fixed width and count as 0. */
export function dtypeBytes(dtype: Dtype, elems = 1): number {
  if (dtype === "string") return 0
  return dtype === "uint4" || dtype === "int4" ? Math.ceil(elems / 2) : arrayTypes[dtype].BYTES_PER_ELEMENT * elems
}

export function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && (value === "string" || Object.hasOwn(arrayTypes, value))
}

export type TensorData<D extends Dtype = Dtype> = D extends "string"
  ? string[]
  : D extends keyof typeof arrayTypes
    ? InstanceType<(typeof arrayTypes)[D]>
    : never
