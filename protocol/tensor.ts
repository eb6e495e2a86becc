import * as v from "valibot"
import { arrayTypes, type Dtype, dtypeBytes, isDtype, type TensorData } from "./dtype.ts"

/** A tensor in memory: row-major, `data.length` is the product of `shape` (halved, rounded up, for 4-bit dtypes). A scalar's shape is `[]`. */
export interface Tensor<D extends Dtype = Dtype> {
  dtype: D
  shape: number[]
  data: TensorData<D>
}

/** A tensor that stayed on the device that made it: feed it to a later run of the same session. */
export interface KeptTensor<D extends Dtype = Dtype> {
  dtype: D
  shape: number[]
  kept: string
}

/** A named input or output of a model; a string dimension is symbolic, null is unknown. */
export interface TensorInfo {
  name: string
  dtype: Dtype
  shape: (number | string | null)[]
}

export const MAX_RANK = 32
/** 2^31 − 1: what every runtime here can index. */
export const MAX_ELEMENTS = 2 ** 31 - 1

/** The number of elements of `shape`; NaN where a dimension is not a whole number ≥ 0 or the product passes MAX_ELEMENTS. */
export function elements(shape: readonly number[]): number {
  let n = 1
  for (const dim of shape) {
    if (!Number.isInteger(dim) || dim < 0 || dim > MAX_ELEMENTS) return Number.NaN
    n *= dim
    if (n > MAX_ELEMENTS) return Number.NaN
  }
  return n
}

/** Why `value` is no tensor, as `[path within it, what was expected]`, or undefined where it is one. */
export function tensorFault(value: unknown): [path: string, expected: string] | undefined {
  if (typeof value !== "object" || value === null) return ["", "a tensor { dtype, shape, data }"]
  const { dtype, shape, data, kept } = value as Record<string, unknown>
  if (!isDtype(dtype)) return ["dtype", "a dtype such as float32"]
  if (!Array.isArray(shape) || shape.length > MAX_RANK) return ["shape", `an array of at most ${MAX_RANK} dimensions`]
  const n = elements(shape)
  if (Number.isNaN(n)) return ["shape", "whole dimensions ≥ 0 whose product is below 2^31"]
  if (kept !== undefined)
    return typeof kept === "string" && data === undefined ? undefined : ["kept", "the id of a kept tensor, and no data"]
  if (dtype === "string")
    return Array.isArray(data) && data.length === n && data.every((x) => typeof x === "string")
      ? undefined
      : ["data", `an array of ${n} strings`]
  const type = arrayTypes[dtype]
  const length = dtype === "uint4" || dtype === "int4" ? dtypeBytes(dtype, n) : n
  if (!(data instanceof type)) return ["data", `a ${type.name} of ${length} elements`]
  return (data as { length: number }).length === length ? undefined : ["data", `${length} elements, as shape says`]
}

const tensorCheck = (allow: "data" | "any") =>
  v.rawCheck<unknown>(({ dataset, addIssue }) => {
    const { value } = dataset
    let fault = tensorFault(value)
    if (!fault && allow === "data" && (value as { kept?: string }).kept !== undefined)
      fault = ["kept", "a tensor with data"]
    if (!fault) return
    const [key, message] = fault
    const within = value as Record<string, unknown>
    if (key === "") addIssue({ message })
    else addIssue({ message, path: [{ type: "object", origin: "value", input: within, key, value: within[key] }] })
  })

export const tensorSchema: v.GenericSchema<unknown, Tensor> = v.pipe(
  v.unknown(),
  tensorCheck("data"),
  v.transform((x) => x as Tensor),
)
/** A tensor with data, or a reference to one that was kept on the device. */
export const anyTensorSchema: v.GenericSchema<unknown, Tensor | KeptTensor> = v.pipe(
  v.unknown(),
  tensorCheck("any"),
  v.transform((x) => x as Tensor | KeptTensor),
)

/** Bytes that a tensor's data takes. */
export function tensorBytes(tensor: Tensor | KeptTensor): number {
  if (tensor.dtype !== "string") return dtypeBytes(tensor.dtype, elements(tensor.shape))
  return "data" in tensor ? (tensor.data as string[]).reduce((sum, s) => sum + s.length * 2, 0) : 0
}

/** The buffers of all tensors in `tensors`, each once: what may be transferred with them. */
export function tensorBuffers(tensors: Iterable<Tensor | KeptTensor>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  for (const t of tensors) {
    if ("data" in t && ArrayBuffer.isView(t.data) && t.data.buffer instanceof ArrayBuffer) buffers.add(t.data.buffer)
  }
  return [...buffers]
}
