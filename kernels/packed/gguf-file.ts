import { type GgufFormat, layoutOf } from "./format.ts"
import { GgufCursor, type GgufValue, invalidGguf } from "./gguf-cursor.ts"
import { ggufWeights, type PackedWeights } from "./packed-tensor.ts"

/** Element types of GGUF files that are no blocks. */
export type GgufDtype = "float32" | "float16" | "bfloat16" | "float64" | "int8" | "int16" | "int32" | "int64"

export interface GgufTensor {
  readonly type: GgufFormat | GgufDtype
  /** Row-major, the last axis innermost: GGUF's own dimensions the other way round. */
  readonly shape: readonly number[]
  /** Of the file itself. */
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** What a GGUF file holds. */
export interface GgufFile {
  readonly version: number
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: ReadonlyMap<string, GgufTensor>
}

/** Types by their number in the file. Source: `enum ggml_type` in ggml.h. */
const types: Readonly<Record<number, GgufFormat | GgufDtype>> = {
  0: "float32",
  1: "float16",
  2: "Q4_0",
  3: "Q4_1",
  6: "Q5_0",
  7: "Q5_1",
  8: "Q8_0",
  10: "Q2_K",
  11: "Q3_K",
  12: "Q4_K",
  13: "Q5_K",
  14: "Q6_K",
  24: "int8",
  25: "int16",
  26: "int32",
  27: "int64",
  28: "float64",
  30: "bfloat16",
}
const dtypeBytes: Readonly<Record<GgufDtype, number>> = { float32: 4, float16: 2, bfloat16: 2, float64: 8, int8: 1, int16: 2, int32: 4, int64: 8 } // biome-ignore format: a table

const MAGIC = 0x46554747 // "GGUF"
const MOST_DIMS = 4
/** Each becomes an object: more than any model has. */
const MOST_PAIRS = 2 ** 16
const MOST_TENSORS = 2 ** 18
/** Key and type of the shortest metadata; name, dimensions, type and offset of the shortest tensor. */
const LEAST_PAIR = 13
const LEAST_TENSOR = 24

const isDtype = (type: GgufTensor["type"]): type is GgufDtype => Object.hasOwn(dtypeBytes, type)

/** Where a tensor lies, from the data's beginning on. */
interface Placed extends Omit<GgufTensor, "bytes"> {
  readonly name: string
  readonly path: string
  readonly offset: number
  readonly size: number
}

/**
 * The metadata of a GGUF file, version 2 or 3, and its tensors as views of `bytes`. Source: docs/gguf.md of ggml. A file is untrusted: nothing is read or made beyond what its bytes
 * have room for. Throws IPFA_MODEL_INVALID, with the place, for what is no such file: lengths and counts past the end, names that come twice, tensors past the end,
 * unaligned, of unknown types, or where another one lies; IPFA_MODEL_TOO_LARGE for more than any model has.
 */
export function readGguf(bytes: Uint8Array<ArrayBuffer>): GgufFile {
  const cursor = new GgufCursor(bytes)
  if (cursor.uint32("magic") !== MAGIC) throw invalidGguf("magic", '"GGUF"')
  const version = cursor.uint32("version")
  if (version !== 2 && version !== 3) throw invalidGguf("version", `2 or 3, little-endian, not ${version}`)
  const tensorCount = cursor.count(LEAST_TENSOR, "tensor count", MOST_TENSORS)
  const metadata = readMetadata(cursor)
  const alignment = alignmentOf(metadata)
  const placed = new Map<string, Placed>()
  for (let i = 0; i < tensorCount; i++) {
    const tensor = readTensor(cursor, `tensors[${i}]`, alignment)
    if (placed.has(tensor.name)) throw invalidGguf(`${tensor.path}.name`, "a name of its own")
    placed.set(tensor.name, tensor)
  }
  const start = Math.ceil(cursor.at / alignment) * alignment
  checkPlaces([...placed.values()], Math.max(bytes.length - start, 0))
  const tensors = [...placed.values()].map(({ name, type, shape, offset, size }): [string, GgufTensor] => {
    return [name, { type, shape, bytes: bytes.subarray(start + offset, start + offset + size) }]
  })
  return { version, metadata, tensors: new Map(tensors) }
}

/** A tensor of blocks as packed weights [rows, cols], rows being all axes but the last, by view where its bytes begin at a word. Throws IPFA_MODEL_INVALID for other types. */
export function ggufPacked({ type, shape, bytes }: GgufTensor): PackedWeights<GgufFormat> {
  if (isDtype(type)) throw invalidGguf("type", `blocks, not ${type}`)
  const cols = shape.at(-1)!
  return ggufWeights(type, [shape.slice(0, -1).reduce((n, dim) => n * dim, 1), cols], bytes)
}

function readMetadata(cursor: GgufCursor): Map<string, GgufValue> {
  const count = cursor.count(LEAST_PAIR, "metadata count", MOST_PAIRS)
  const metadata = new Map<string, GgufValue>()
  for (let i = 0; i < count; i++) {
    const path = `metadata[${i}]`
    const key = cursor.string(`${path}.key`)
    if (metadata.has(key)) throw invalidGguf(`${path}.key`, "a key of its own")
    metadata.set(key, cursor.value(cursor.uint32(`${path}.type`), `${path}.value`))
  }
  return metadata
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>): number {
  const alignment = metadata.get("general.alignment") ?? 32
  if (typeof alignment !== "number" || !(alignment > 0) || alignment % 8 !== 0)
    throw invalidGguf("general.alignment", "a multiple of 8")
  return alignment
}

function readTensor(cursor: GgufCursor, path: string, alignment: number): Placed {
  const name = cursor.string(`${path}.name`)
  const rank = cursor.uint32(`${path}.dimensions`)
  if (rank < 1 || rank > MOST_DIMS) throw invalidGguf(`${path}.dimensions`, `1 to ${MOST_DIMS} of them, not ${rank}`)
  const shape = Array.from({ length: rank }, () => cursor.uint64(`${path}.dimensions`)).reverse()
  const number = cursor.uint32(`${path}.type`)
  const type = Object.hasOwn(types, number) ? types[number] : undefined
  if (!type) throw invalidGguf(`${path}.type`, `a type that is known here, not ${number}`)
  const [block, blockBytes] = isDtype(type) ? [1, dtypeBytes[type]] : [layoutOf(type).block, layoutOf(type).bytes]
  const elems = shape.reduce((n, dim) => n * dim, 1)
  if (shape.at(-1)! % block !== 0) throw invalidGguf(`${path}.dimensions`, `rows of whole ${block}s`)
  if (elems === 0 || !Number.isSafeInteger(elems * blockBytes))
    throw invalidGguf(`${path}.dimensions`, `some elements, and fewer than 2^53 bytes`)
  const offset = cursor.uint64(`${path}.offset`)
  if (offset % alignment !== 0) throw invalidGguf(`${path}.offset`, `a multiple of ${alignment}`)
  return { name, path, type, shape, offset, size: (elems / block) * blockBytes }
}

/** Each lies within the data's `room` bytes, behind the one before it. */
function checkPlaces(tensors: readonly Placed[], room: number): void {
  let end = 0
  for (const { path, offset, size } of tensors.toSorted((a, b) => a.offset - b.offset)) {
    if (offset < end) throw invalidGguf(`${path}.offset`, "a place where no other tensor lies")
    end = offset + size
    if (end > room) throw invalidGguf(`${path}.offset`, `${size} bytes of the file's data from there on`)
  }
}
