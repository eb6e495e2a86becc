import type { ModelLimits } from "../limits.ts"
import { invalid, tooLarge } from "../refuse.ts"
import { BYTES, FIXED32, FIXED64, modelMessage, VARINT, type WireField, type WireMessage } from "./schema.ts"

/** Field numbers go up to 2^29 − 1. */
const MAX_TAG = 2 ** 32

/** One level of the walk, kept so that an error can say where it is. */
interface Level {
  type: WireMessage
  start: number
}

/**
 * Walks an ONNX file's protobuf tags without building anything, and refuses what a decoder or a runtime should not be given: a length that
 * reaches past its message, a wire type that is not the field's, a field given twice, text that is not UTF-8, groups, and anything over
 * `limits`. A decoder run afterwards allocates at most what the limits allow.
 */
export function scanModel(bytes: Uint8Array, limits: ModelLimits): void {
  if (bytes.length > limits.fileBytes) throw tooLarge("", "bytes", limits.fileBytes)
  if (bytes.length === 0) throw invalid("", "a ModelProto, not an empty file")
  new Scan(bytes, limits).message(modelMessage, 0, bytes.length)
}

class Scan {
  readonly #bytes: Uint8Array
  readonly #limits: ModelLimits
  readonly #levels: Level[] = []
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true })
  #at = 0
  #graphs = 0
  #messages = 0
  #numbers = 0
  #strings = 0
  #unknown = 0

  constructor(bytes: Uint8Array, limits: ModelLimits) {
    this.#bytes = bytes
    this.#limits = limits
  }

  message(type: WireMessage, start: number, end: number): void {
    const isGraph = type.name === "GraphProto"
    this.#levels.push({ type, start })
    if (this.#levels.length > this.#limits.messageDepth) throw this.#over("nested messages", this.#limits.messageDepth)
    if (isGraph && ++this.#graphs > this.#limits.graphDepth) throw this.#over("nested graphs", this.#limits.graphDepth)
    if (++this.#messages > this.#limits.messages) throw this.#over("messages", this.#limits.messages)
    this.#at = start
    let seen = 0 // a bit for each singular field; ONNX's numbers stay below 31, and bit 31 stands for a oneof
    while (this.#at < end) {
      const tag = this.#varint(end, MAX_TAG, "a field's tag")
      const wire = tag & 7
      const number = Math.floor(tag / 8)
      if (number === 0) throw this.#wrong("a field number, not 0")
      const field = type.fields[number]
      if (!field) {
        this.#skip(wire, end)
        continue
      }
      if (!field.repeated) {
        const bits = (1 << number) | (field.oneof << 31)
        if (seen & bits) throw this.#wrong(`the field ${field.name} once, and one of a choice`)
        seen |= bits
      }
      this.#field(field, wire, end)
    }
    if (isGraph) this.#graphs--
    this.#levels.pop()
  }

  #field(field: WireField, wire: number, end: number): void {
    if (field.wire !== BYTES) return this.#numeric(field, wire, end)
    if (wire !== BYTES) throw this.#wrong(`wire type 2 for ${field.name}`)
    const length = this.#length(end)
    const start = this.#at
    if (field.message) this.message(field.message, start, start + length)
    else {
      if (++this.#strings > this.#limits.strings) throw this.#over("strings", this.#limits.strings)
      if (field.text) this.#text(field.text, start, start + length)
    }
    this.#at = start + length
  }

  #numeric(field: WireField, wire: number, end: number): void {
    if (wire === field.wire) {
      if (field.repeated) this.#count(1)
      this.#one(wire, end)
      return
    }
    if (!field.repeated || wire !== BYTES) throw this.#wrong(`wire type ${field.wire} for ${field.name}`)
    const length = this.#length(end)
    const stop = this.#at + length
    if (field.wire === VARINT) {
      this.#count(this.#varintsUntil(stop))
    } else {
      const width = field.wire === FIXED32 ? 4 : 8
      if (length % width !== 0) throw this.#wrong(`a multiple of ${width} bytes for ${field.name}`)
      this.#count(length / width)
    }
    this.#at = stop
  }

  /** Counts packed varints up to `stop`, none of more than 10 bytes, the last one complete. */
  #varintsUntil(stop: number): number {
    const bytes = this.#bytes
    let count = 0
    let run = 0
    for (let at = this.#at; at < stop; at++) {
      run++
      if (bytes[at]! < 0x80) {
        count++
        run = 0
      } else if (run >= 10) throw this.#wrong("varints of at most 10 bytes")
    }
    if (run !== 0) throw this.#wrong("a varint that ends within its field")
    return count
  }

  #skip(wire: number, end: number): void {
    if (++this.#unknown > this.#limits.unknownFields) throw this.#over("unknown fields", this.#limits.unknownFields)
    if (wire !== BYTES) return this.#one(wire, end)
    const length = this.#length(end) // moves #at itself
    this.#at += length
  }

  #one(wire: number, end: number): void {
    if (wire === VARINT) this.#skipVarint(end)
    else if (wire === FIXED32 || wire === FIXED64) {
      this.#at += wire === FIXED32 ? 4 : 8
      if (this.#at > end) throw this.#truncated()
    } else throw this.#wrong(`a wire type of 0, 1, 2 or 5, not ${wire}`)
  }

  #skipVarint(end: number): void {
    for (let n = 0; n < 10; n++) {
      if (this.#at >= end) throw this.#truncated()
      if (this.#bytes[this.#at++]! < 0x80) return
    }
    throw this.#wrong("a varint of at most 10 bytes")
  }

  #varint(end: number, below: number, what: string): number {
    let value = 0
    let scale = 1
    for (let n = 0; n < 5; n++) {
      if (this.#at >= end) throw this.#truncated()
      const byte = this.#bytes[this.#at++]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (value >= below) break
        return value
      }
      scale *= 128
    }
    throw this.#wrong(`${what} below ${below}`)
  }

  #length(end: number): number {
    const length = this.#varint(end, 2 ** 31, "a length")
    if (length > end - this.#at) throw this.#truncated()
    return length
  }

  #text(kind: "name" | "text", start: number, end: number): void {
    const limit = kind === "name" ? this.#limits.nameBytes : this.#limits.textBytes
    if (end - start > limit) throw this.#over("bytes of text", limit)
    const bytes = this.#bytes
    let at = start
    while (at < end && bytes[at]! < 0x80) at++
    if (at === end) return
    try {
      this.#utf8.decode(bytes.subarray(at, end))
    } catch {
      throw this.#wrong("text in UTF-8")
    }
  }

  #count(numbers: number): void {
    this.#numbers += numbers
    if (this.#numbers > this.#limits.numbers) throw this.#over("numbers outside raw_data", this.#limits.numbers)
  }

  #truncated() {
    return invalid(this.#path(), "a field that ends within its message (the file is cut off or a length is wrong)")
  }
  #wrong(expected: string) {
    return invalid(this.#path(), expected)
  }
  #over(what: string, limit: number) {
    return tooLarge(this.#path(), what, limit)
  }

  /** Names the message the walk is in, by walking each level again up to where it went down: only errors pay for paths. */
  #path(): string {
    let path = ""
    for (let i = 0; i + 1 < this.#levels.length && i < 40; i++) {
      const { type, start } = this.#levels[i]!
      path += `${path && "."}${this.#step(type, start, this.#levels[i + 1]!.start)}`
    }
    return path
  }

  #step(type: WireMessage, start: number, target: number): string {
    const counts: number[] = []
    const walk = new Scan(this.#bytes, this.#limits)
    walk.#at = start
    for (;;) {
      const tag = walk.#varint(target, MAX_TAG, "a tag")
      const number = Math.floor(tag / 8)
      const field = type.fields[number]
      if ((tag & 7) === BYTES) {
        const length = walk.#varint(target, MAX_TAG, "a length")
        if (walk.#at === target && field?.message) {
          return field.repeated ? `${field.name}[${counts[number] ?? 0}]` : field.name
        }
        walk.#at += length
      } else walk.#one(tag & 7, target)
      counts[number] = (counts[number] ?? 0) + 1
    }
  }
}
