import type { DescField, DescMessage } from "@bufbuild/protobuf"
import { ScalarType } from "@bufbuild/protobuf"
import { ModelProtoSchema } from "../generated/onnx_pb.js"

/** Protobuf wire types; groups (3 and 4) do not occur in ONNX. */
export const VARINT = 0
export const FIXED64 = 1
export const BYTES = 2
export const FIXED32 = 5

export interface WireField {
  name: string
  /** The wire type of one element. */
  wire: typeof VARINT | typeof FIXED64 | typeof BYTES | typeof FIXED32
  repeated: boolean
  /** Set where the bytes are a message. */
  message?: WireMessage
  /** Set where the bytes are UTF-8: a name, or free text, which may be longer. */
  text?: "name" | "text"
  /** Fields that exclude each other share this number, a bit. */
  oneof: number
}

/** What the scan needs to know of a message, by field number. */
export interface WireMessage {
  name: string
  fields: (WireField | undefined)[]
}

/** Fields that hold prose or data rather than a name. */
const freeText = new Set(["doc_string", "value"])

const wireTypes: Partial<Record<ScalarType, WireField["wire"]>> = {
  [ScalarType.FLOAT]: FIXED32,
  [ScalarType.DOUBLE]: FIXED64,
  [ScalarType.STRING]: BYTES,
  [ScalarType.BYTES]: BYTES,
}

function wireField(field: DescField, known: Map<string, WireMessage>): WireField {
  const repeated = field.fieldKind === "list"
  const scalar = field.scalar
  const base = { name: field.name, repeated, oneof: field.oneof ? 1 : 0 }
  if (field.message) return { ...base, wire: BYTES, message: wireMessage(field.message, known) }
  const wire = scalar === undefined ? VARINT : (wireTypes[scalar] ?? VARINT)
  if (scalar !== ScalarType.STRING) return { ...base, wire }
  return { ...base, wire, text: freeText.has(field.name) ? "text" : "name" }
}

function wireMessage(desc: DescMessage, known: Map<string, WireMessage>): WireMessage {
  const found = known.get(desc.typeName)
  if (found) return found
  const made: WireMessage = { name: desc.name, fields: [] }
  known.set(desc.typeName, made)
  for (const field of desc.fields) made.fields[field.number] = wireField(field, known)
  return made
}

/** The file's message, and through it all others. Made from the generated descriptors, so it can't disagree with the decoder. */
export const modelMessage: WireMessage = wireMessage(ModelProtoSchema, new Map())
