import { arrayTypes, dtypeBytes, elements, type Tensor, type TensorData } from "../../../protocol/index.ts"
import type { KserveDtype } from "./datatypes.ts"
import { invalid } from "./invalid.ts"

/**
 * KServe's binary tensor extension: after the JSON come the tensors' bytes, little-endian and row-major; each element of a BYTES tensor is a
 * u32 (little-endian) with its length, then its bytes.
 */

const decoder = new TextDecoder("utf-8", { fatal: true })

/** The tensor in `bytes`, a view of them where they are aligned, else a copy. Throws IPFA_INPUT_INVALID that names `path`. */
export function fromBinary(dtype: KserveDtype, shape: number[], bytes: Uint8Array, path: string): Tensor {
  const count = elements(shape)
  if (dtype === "string") return { dtype, shape, data: splitStrings(bytes, count, path) }
  const expected = dtypeBytes(dtype, count)
  if (bytes.byteLength !== expected)
    throw invalid(`${path}.parameters.binary_data_size`, `${expected} bytes, as shape and datatype say`)
  const View = arrayTypes[dtype]
  const aligned = bytes.byteOffset % View.BYTES_PER_ELEMENT === 0
  // Not slice(): a Buffer's is a view.
  const source = aligned ? bytes : new Uint8Array(bytes)
  return {
    dtype,
    shape,
    data: new View(source.buffer as ArrayBuffer, source.byteOffset, count) as TensorData,
  } as Tensor
}

export function toBinary({ dtype, data }: Tensor): Uint8Array {
  if (dtype === "string") return joinStrings(data as string[])
  const view = data as Exclude<TensorData, string[]>
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

function splitStrings(bytes: Uint8Array, count: number, path: string): string[] {
  const fault = (expected: string) => invalid(path, expected)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const strings: string[] = []
  let at = 0
  while (strings.length < count) {
    if (at + 4 > bytes.byteLength) throw fault(`${count} strings, each with its length before it`)
    const length = view.getUint32(at, true)
    at += 4
    if (length > bytes.byteLength - at) throw fault("lengths that stay within the data")
    try {
      strings.push(decoder.decode(bytes.subarray(at, at + length)))
    } catch {
      throw fault("strings in UTF-8")
    }
    at += length
  }
  if (at !== bytes.byteLength) throw fault(`${count} strings, and nothing after them`)
  return strings
}

function joinStrings(strings: readonly string[]): Uint8Array {
  const parts = strings.map((s) => Buffer.from(s))
  const all = Buffer.alloc(parts.reduce((sum, p) => sum + 4 + p.byteLength, 0))
  let at = 0
  for (const part of parts) {
    at = all.writeUInt32LE(part.byteLength, at)
    at += part.copy(all, at)
  }
  return all
}
