import { elementType } from "../element-type.ts"
import type { TensorProto } from "../generated/onnx_pb.js"

/** Unknown is null. */
export type Dim = number | null
/** Null where even the rank is unknown. */
export type Shape = readonly Dim[] | null

/** What inference knows of a tensor. */
export interface Value {
  /** The format's number for its element type; 0 where that is unknown. */
  elem: number
  shape: Shape
  /** Its elements, row-major, where the shape is known and they are few: shapes, axes, scales on their way through the graph. */
  data?: readonly (number | null)[]
}

/** Element type numbers that inference speaks of. */
export const FLOAT = 1
export const UINT8 = 2
export const INT32 = 6
export const INT64 = 7
export const BOOL = 9

/** Tensors of more elements than this are known by shape only. */
export const MAX_KNOWN_ELEMS = 256

/** What arithmetic gives as an element type holds it: floats rounded, whole numbers going on from the other end of their range. Others are as exact as numbers are. */
const held: Readonly<Record<number, (x: number) => number>> = {
  [FLOAT]: Math.fround,
  [UINT8]: (x) => x & 0xff,
  3: (x) => (x << 24) >> 24,
  4: (x) => x & 0xffff,
  5: (x) => (x << 16) >> 16,
  [INT32]: (x) => x | 0,
  12: (x) => x >>> 0,
}

export function value(elem: number, shape: Shape, data?: readonly (number | null)[]): Value {
  if (!data || data.length > MAX_KNOWN_ELEMS) return { elem, shape }
  const hold = held[elem]
  return { elem, shape, data: hold ? data.map((x) => (x === null ? null : hold(x))) : data }
}

/** The number of elements, or null where a dimension is unknown (and none is 0). */
export function elems(shape: Shape): number | null {
  if (!shape) return null
  if (shape.includes(0)) return 0
  let n = 1
  for (const dim of shape) {
    if (dim === null) return null
    n *= dim
  }
  return n
}

/** Bytes a tensor takes, or null where its shape or element type is unknown. Strings count as 0. */
export function bytesOf(v: Value): number | null {
  const type = elementType(v.elem)
  const n = elems(v.shape)
  return type && n !== null ? Math.ceil((n * type.bits) / 8) : null
}

export const isKnown = (shape: Shape): shape is readonly number[] => shape?.every((d) => d !== null) ?? false

export const isFloat = (elem: number): boolean => elem === 1 || elem === 10 || elem === 11 || elem === 16

/** A stored tensor's value, with its elements where they are few and numbers. External data is known by shape only. */
export function storedValue(t: TensorProto): Value {
  const shape = t.dims.map(Number)
  const n = elems(shape) ?? 0
  return n > MAX_KNOWN_ELEMS || t.externalData.length > 0
    ? { elem: t.dataType, shape }
    : value(t.dataType, shape, readElements(t, n))
}

const readers: Record<number, [bytes: number, read: (view: DataView, at: number) => number]> = {
  1: [4, (v, at) => v.getFloat32(at, true)],
  2: [1, (v, at) => v.getUint8(at)],
  3: [1, (v, at) => v.getInt8(at)],
  6: [4, (v, at) => v.getInt32(at, true)],
  7: [8, (v, at) => Number(v.getBigInt64(at, true))],
  9: [1, (v, at) => v.getUint8(at)],
  11: [8, (v, at) => v.getFloat64(at, true)],
  12: [4, (v, at) => v.getUint32(at, true)],
  13: [8, (v, at) => Number(v.getBigUint64(at, true))],
}

function readElements(t: TensorProto, n: number): number[] | undefined {
  const reader = readers[t.dataType]
  if (!reader) return undefined
  const [width, read] = reader
  if (t.rawData.length > 0) {
    if (t.rawData.length !== width * n) return undefined
    const view = new DataView(t.rawData.buffer, t.rawData.byteOffset, t.rawData.byteLength)
    return Array.from({ length: n }, (_, i) => read(view, i * width))
  }
  const field = elementType(t.dataType)!.field
  const typed = t[field]
  return typed.length === n ? Array.from(typed as ArrayLike<number | bigint>, Number) : undefined
}
