import { sumBytes } from "./bytes.ts"
import { fail } from "./errors/index.ts"

/**
 * Messages as bytes, for channels that carry only those. The safetensors layout: a little-endian u64 with the header's length, the header
 * (JSON, padded with spaces so that what follows is 8-byte aligned), then the typed arrays' bytes, each 8-byte aligned.
 * The header is `{ message, arrays: [{ path, type, begin, end }] }`: `message` with null wherever a typed array stood, and for each its
 * path from the root, element type and byte range after the header.
 */

const types = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const
type View = InstanceType<(typeof types)[keyof typeof types]>
/** By the name that an array has in every realm: a frame's or worker's Uint8Array is not this one's, and Node's Buffer is one too. */
const typeNames = new Map<string, string>(Object.entries(types).map(([name, type]) => [type.name, name]))

/** Memory that both ends of a channel see: a message's arrays may lie there instead of following it through the channel. */
export interface Shelf {
  /** Lays `parts` down, one after the other; the name they are taken under, or undefined where they have to follow the message. */
  put(parts: readonly Uint8Array[]): string | undefined
  /** Takes away what the other end laid down under `name`, `bytes` of it. Throws IPFA_PROTOCOL_MALFORMED where that is not what lies there. */
  take(name: string, bytes: number): Uint8Array
}

export const MAX_HEADER_BYTES = 64 * 2 ** 20
/** What a channel takes in one message unless it says otherwise. */
export const MAX_FRAME_BYTES = 2 ** 30
/** Less than this goes through the channel sooner than it is laid down and taken away. */
export const SHELF_FROM_BYTES = 128 * 1024
const MAX_ARRAYS = 65_536
const MAX_DEPTH = 64

const align = (n: number) => Math.ceil(n / 8) * 8
const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true })

interface ArrayEntry {
  path: (string | number)[]
  type: string
  begin: number
  end: number
}

/**
 * The parts of a frame, in order; their concatenation is the frame. Arrays are not copied: send before changing them. Those that were laid on
 * `shelf` are not among the parts.
 */
export function encodeFrame(message: unknown, shelf?: Shelf): Uint8Array[] {
  const arrays: ArrayEntry[] = []
  const payloads: Uint8Array[] = []
  const path: (string | number)[] = []
  let offset = 0
  const take = (array: ArrayBufferView): null => {
    const type = typeNames.get((array as Uint8Array)[Symbol.toStringTag])
    if (!type || path.includes("__proto__"))
      throw fail("IPFA_INPUT_INVALID", { data: { path: path.join("."), expected: "an array type that travels" } })
    const view = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
    arrays.push({ path: [...path], type, begin: offset, end: offset + view.byteLength })
    payloads.push(view)
    const padding = align(view.byteLength) - view.byteLength
    if (padding) payloads.push(new Uint8Array(padding))
    offset += view.byteLength + padding
    return null
  }
  /** `value` with null for every array in it; a copy only where there is one. */
  const strip = (value: object): object | null => {
    if (ArrayBuffer.isView(value)) return take(value)
    if (path.length >= MAX_DEPTH)
      throw fail("IPFA_INPUT_INVALID", { data: { expected: `at most ${MAX_DEPTH} levels` } })
    let copy: Record<string | number, unknown> | undefined
    const visit = (key: string | number, item: unknown) => {
      if (typeof item !== "object" || item === null) return
      path.push(key)
      const stripped = strip(item)
      path.pop()
      if (stripped === item) return
      copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string | number, unknown>
      copy[key] = stripped
    }
    if (Array.isArray(value)) for (let i = 0; i < value.length; i++) visit(i, value[i])
    else for (const key of Object.keys(value)) visit(key, (value as Record<string, unknown>)[key])
    return copy ?? value
  }
  const stripped = typeof message === "object" && message !== null ? strip(message) : message
  const head = headOf({ message: stripped, arrays })
  if (head.byteLength > MAX_HEADER_BYTES || head.byteLength + offset > MAX_FRAME_BYTES || arrays.length > MAX_ARRAYS)
    throw fail("IPFA_PROTOCOL_TOO_LARGE")
  // Last, of what can be sent: nobody would take away what was laid down for another.
  const name = offset < SHELF_FROM_BYTES ? undefined : shelf?.put(payloads)
  if (name === undefined) return [head, ...payloads]
  return [headOf({ message: stripped, arrays, shelf: { name, bytes: offset } })]
}

function headOf(header: object): Uint8Array {
  const json = encoder.encode(JSON.stringify(header))
  const head = new Uint8Array(align(8 + json.byteLength)).fill(0x20)
  new DataView(head.buffer).setBigUint64(0, BigInt(head.byteLength - 8), true)
  head.set(json, 8)
  return head
}

/**
 * The message in a frame, given whole or as consecutive parts. Its arrays are views of that memory where it is aligned and in one part,
 * else copies: what is passed in must belong to this message alone. Throws IPFA_PROTOCOL_MALFORMED for anything that is not a whole,
 * consistent frame, and for one whose arrays lie on a shelf where there is none.
 */
export function decodeFrame(frame: Uint8Array | readonly Uint8Array[], shelf?: Shelf): unknown {
  const bytes = new Parts(frame instanceof Uint8Array ? [frame] : frame)
  if (bytes.byteLength < 8) throw malformed("shorter than its length prefix")
  const prefix = bytes.range(0, 8)
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true)
  if (length > BigInt(Math.min(bytes.byteLength - 8, MAX_HEADER_BYTES))) throw malformed("header length past the end")
  const start = 8 + Number(length)
  let header: { message?: unknown; arrays?: unknown; shelf?: unknown }
  try {
    header = JSON.parse(decoder.decode(bytes.range(8, start)))
  } catch {
    throw malformed("header is no JSON")
  }
  if (typeof header !== "object" || header === null) throw malformed("header is no object")
  const arrays = header.arrays
  if (!Array.isArray(arrays) || arrays.length > MAX_ARRAYS) throw malformed("arrays")
  const [payload, first] = header.shelf === undefined ? [bytes, start] : [lying(header.shelf, shelf), 0]
  if (payload !== bytes && bytes.byteLength > start) throw malformed("arrays in two places")
  let taken = 0
  for (const entry of arrays) taken = place(header.message, entry, payload, first, taken)
  return header.message
}

function lying(where: unknown, shelf: Shelf | undefined): Parts {
  const { name, bytes } = (where ?? {}) as { name?: unknown; bytes?: unknown }
  if (!shelf || typeof name !== "string" || !isOffset(bytes) || bytes > MAX_FRAME_BYTES) throw malformed("shelf")
  return new Parts([shelf.take(name, bytes)])
}

const malformed = (reason: string) => fail("IPFA_PROTOCOL_MALFORMED", { data: { reason } })

/**
 * Puts an array in its place, and returns where it ends. It begins no sooner than at `from`: ranges that share bytes could have one frame
 * copied as often as it names arrays.
 */
function place(root: unknown, entry: unknown, bytes: Parts, start: number, from: number): number {
  const { path, type, begin, end } = (entry ?? {}) as Partial<ArrayEntry>
  if (!Array.isArray(path) || path.length === 0 || path.length > MAX_DEPTH) throw malformed("path")
  if (typeof type !== "string" || !Object.hasOwn(types, type)) throw malformed("type")
  if (!isOffset(begin) || !isOffset(end) || end < begin || start + end > bytes.byteLength) throw malformed("range")
  if (begin < from) throw malformed("range shares bytes with the one before it")
  const View = types[type as keyof typeof types]
  if ((end - begin) % View.BYTES_PER_ELEMENT) throw malformed("range is no whole number of elements")
  let holder = root as Record<string, unknown>
  for (const [i, key] of path.entries()) {
    if (typeof holder !== "object" || holder === null) throw malformed("path")
    if ((typeof key !== "string" && typeof key !== "number") || key === "__proto__" || !Object.hasOwn(holder, key))
      throw malformed("path")
    if (i < path.length - 1) holder = holder[key] as Record<string, unknown>
    else if (holder[key] !== null) throw malformed("path holds something already")
    else holder[key] = view(View, bytes.range(start + begin, start + end))
  }
  return end
}

const isOffset = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

function view(View: (typeof types)[keyof typeof types], bytes: Uint8Array): View {
  const aligned = bytes.byteOffset % View.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes)
  return new View(aligned.buffer as ArrayBuffer, aligned.byteOffset, bytes.byteLength / View.BYTES_PER_ELEMENT)
}

/** Consecutive pieces of memory, read as one. */
class Parts {
  readonly byteLength: number
  readonly #parts: readonly Uint8Array[]

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts
    this.byteLength = sumBytes(parts)
  }

  /** A view where the range lies in one part, else a copy. */
  range(begin: number, end: number): Uint8Array {
    let at = 0
    let copy: Uint8Array | undefined
    for (const part of this.#parts) {
      const from = begin - at
      const to = end - at
      at += part.byteLength
      if (from >= part.byteLength) continue
      if (from >= 0 && to <= part.byteLength) return part.subarray(from, to)
      copy ??= new Uint8Array(end - begin)
      copy.set(part.subarray(Math.max(from, 0), Math.min(to, part.byteLength)), Math.max(-from, 0))
      if (to <= part.byteLength) return copy
    }
    return copy ?? new Uint8Array(0)
  }
}
