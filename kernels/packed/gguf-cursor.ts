import { type AccelerateError, fail } from "../../protocol/errors/error.ts"

/** A value of a GGUF file's metadata; whole numbers of 64 bits are bigints. */
export type GgufValue = number | bigint | boolean | string | readonly GgufValue[]

/** `path` is where in the file, `expected` what should be there. */
export function invalidGguf(path: string, expected: string, cause?: unknown): AccelerateError {
  const message = `That is no valid GGUF file: at ${path}, expected ${expected}.`
  return fail("IPFA_MODEL_INVALID", { message, data: { path, expected }, cause })
}

/** Arrays within arrays, and elements of all arrays: each becomes a value, of more bytes than it has in the file. */
const MOST_DEPTH = 4
const MOST_ELEMENTS = 2 ** 24

/** A number's bytes, and how it is read. */
const numbers: Readonly<
  Record<number, readonly [bytes: number, read: (view: DataView, at: number) => number | bigint]>
> = {
  0: [1, (view, at) => view.getUint8(at)],
  1: [1, (view, at) => view.getInt8(at)],
  2: [2, (view, at) => view.getUint16(at, true)],
  3: [2, (view, at) => view.getInt16(at, true)],
  4: [4, (view, at) => view.getUint32(at, true)],
  5: [4, (view, at) => view.getInt32(at, true)],
  6: [4, (view, at) => view.getFloat32(at, true)],
  10: [8, (view, at) => view.getBigUint64(at, true)],
  11: [8, (view, at) => view.getBigInt64(at, true)],
  12: [8, (view, at) => view.getFloat64(at, true)],
}
const BOOL = 7
const STRING = 8
const ARRAY = 9

/** The fewest bytes that a value of `type` takes: 1, a length, or a type and a length. */
const leastBytes = (type: number) => numbers[type]?.[0] ?? (type === STRING ? 8 : type === ARRAY ? 12 : 1)

/** Goes through a GGUF file from its beginning, and never past its end: what is not there is refused before anything is made of its length. */
export class GgufCursor {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
  at = 0
  #elements = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Goes past `count` bytes; gives where they begin. */
  #past(count: number, path: string): number {
    const { at } = this
    if (count > this.#bytes.length - at) throw invalidGguf(path, `${count} bytes, not ${this.#bytes.length - at}`)
    this.at += count
    return at
  }

  uint32(path: string): number {
    return this.#view.getUint32(this.#past(4, path), true)
  }

  uint64(path: string): number {
    const value = Number(this.#view.getBigUint64(this.#past(8, path), true))
    if (!Number.isSafeInteger(value)) throw invalidGguf(path, "a number below 2^53")
    return value
  }

  /** How many things of at least `least` bytes follow; throws where the file has no room for them, IPFA_MODEL_TOO_LARGE where they are more than `limit`. */
  count(least: number, path: string, limit = Number.POSITIVE_INFINITY): number {
    const count = this.uint64(path)
    const most = Math.floor((this.#bytes.length - this.at) / least)
    if (count > most) throw invalidGguf(path, `at most ${most}, for which there are bytes, not ${count}`)
    if (count > limit)
      throw fail("IPFA_MODEL_TOO_LARGE", {
        message: `The GGUF file is larger than is allowed here: at ${path}, expected at most ${limit}, not ${count}.`,
        data: { path, limit },
      })
    return count
  }

  string(path: string): string {
    const length = this.count(1, path)
    const at = this.#past(length, path)
    try {
      return this.#text.decode(this.#bytes.subarray(at, at + length))
    } catch (cause) {
      throw invalidGguf(path, "UTF-8", cause)
    }
  }

  value(type: number, path: string, depth = 0): GgufValue {
    const number = numbers[type]
    if (number) return number[1](this.#view, this.#past(number[0], path))
    switch (type) {
      case BOOL: {
        const byte = this.#view.getUint8(this.#past(1, path))
        if (byte > 1) throw invalidGguf(path, "0 or 1")
        return byte === 1
      }
      case STRING:
        return this.string(path)
      case ARRAY: {
        if (depth === MOST_DEPTH) throw invalidGguf(path, `at most ${MOST_DEPTH} arrays within each other`)
        const of = this.uint32(path)
        const count = this.count(leastBytes(of), path, MOST_ELEMENTS - this.#elements)
        this.#elements += count
        return Array.from({ length: count }, () => this.value(of, path, depth + 1))
      }
    }
    throw invalidGguf(path, `one of the types 0 to 12, not ${type}`)
  }
}
