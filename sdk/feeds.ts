import { arrayTypes, type Dtype, isDtype } from "../protocol/dtype.ts"
import { fail } from "../protocol/errors/error.ts"
import type { KeptTensor as WireKept, Tensor as WireTensor } from "../protocol/tensor.ts"

export interface WireFeeds {
  feeds: Record<string, WireTensor | WireKept>
  /** To be moved; empty without `transfer`. */
  buffers: ArrayBuffer[]
}

/** A caller's tensors as they travel. Throws IPFA_INPUT_INVALID with the path of what is wrong. */
export function toWire(feeds: Record<string, unknown>, transfer = false): WireFeeds {
  const buffers = new Set<ArrayBuffer>()
  const wire: WireFeeds["feeds"] = {}
  for (const [name, feed] of Object.entries(feeds)) {
    const { dtype, shape, data, kept } = (feed ?? {}) as Record<string, unknown>
    if (!isDtype(dtype)) throw invalid(`${name}.dtype`, "a dtype such as float32")
    if (!Array.isArray(shape)) throw invalid(`${name}.shape`, "an array of dimensions")
    if (typeof kept === "string") wire[name] = { dtype, shape, kept }
    else {
      const carried = carry(name, dtype, data, transfer)
      wire[name] = { dtype, shape, data: carried } as WireTensor
      if (transfer && !Array.isArray(carried)) buffers.add(carried.buffer as ArrayBuffer)
    }
  }
  return { feeds: wire, buffers: [...buffers] }
}

function carry(name: string, dtype: Dtype, data: unknown, transfer: boolean): string[] | ArrayBufferView {
  if (dtype === "string") {
    if (Array.isArray(data) && data.every((x) => typeof x === "string")) return data
    throw invalid(`${name}.data`, "an array of strings")
  }
  const type = arrayTypes[dtype]
  if (!ArrayBuffer.isView(data) || !fits(dtype, type.name, (data as Uint8Array)[Symbol.toStringTag]))
    throw invalid(`${name}.data`, dtype === "float16" ? "a Uint16Array or Float16Array" : `a ${type.name}`)
  const { buffer, byteOffset, byteLength } = data
  // A copy of a view is a copy of all its buffer; shared memory would not be copied at all.
  const own = buffer instanceof ArrayBuffer || Object.prototype.toString.call(buffer) === "[object ArrayBuffer]"
  const part = !own || (!transfer && byteLength < buffer.byteLength)
  return part
    ? new type(new Uint8Array(buffer, byteOffset, byteLength).slice().buffer)
    : new type(buffer as ArrayBuffer, byteOffset, byteLength / type.BYTES_PER_ELEMENT)
}

/** By name, so that arrays of other frames and Node's Buffer count as what they are. */
function fits(dtype: Dtype, wanted: string, given: string): boolean {
  return (
    given === wanted ||
    (dtype === "float16" && given === "Float16Array") ||
    (dtype === "uint8" && given === "Uint8ClampedArray")
  )
}

export function invalid(path: string, expected: string, cause?: unknown): Error {
  return fail("IPFA_INPUT_INVALID", { message: `${path}: expected ${expected}`, data: { path, expected }, cause })
}
