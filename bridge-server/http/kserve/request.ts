import * as v from "valibot"
import { check, elements, fail, MAX_RANK, type Tensor } from "../../../protocol/index.ts"
import { fromBinary } from "./binary.ts"
import { toDtype } from "./datatypes.ts"
import { invalid } from "./invalid.ts"
import { fromJson } from "./values.ts"

/** The largest request, bytes. */
export const MAX_INFER_BYTES = 512 * 2 ** 20
/** Of that, what may be JSON: it is parsed while nobody else is served, a megabyte in some 10 ms. */
export const MAX_INFER_JSON_BYTES = 16 * 2 ** 20
/** What lies before the tensors' bytes. */
export const HEADER_LENGTH = "inference-header-content-length"

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(256))
const parameters = v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))

const inputSchema = v.object({
  name,
  shape: v.pipe(v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0))), v.maxLength(MAX_RANK)),
  datatype: v.string(),
  parameters: v.optional(parameters, {}),
  data: v.optional(v.unknown()),
})

/** KServe v2's inference request, as it stands in JSON. */
export const inferRequestSchema = v.object({
  id: v.optional(v.pipe(v.string(), v.maxLength(128))),
  parameters: v.optional(parameters, {}),
  inputs: v.pipe(v.array(inputSchema), v.minLength(1), v.maxLength(1024)),
  outputs: v.optional(v.pipe(v.array(v.object({ name, parameters: v.optional(parameters, {}) })), v.maxLength(1024))),
})

/** Our own, beside KServe's. */
const ours = v.object({
  /** `backend[:type][#index]`: this device, or an error. */
  device: v.optional(v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,31}(:[a-z0-9-]{1,32})?(#\d{1,3})?$/))),
  /** Agent id, or browser. */
  agent: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(128))),
  deadline_ms: v.optional(v.pipe(v.number(), v.finite(), v.minValue(1), v.maxValue(2 ** 31 - 1))),
  priority: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(9))),
  binary_data_output: v.optional(v.boolean(), false),
})

export interface InferCall {
  id?: string
  device?: string
  agent?: string
  deadlineMs?: number
  priority?: number
  feeds: Record<string, Tensor>
  /** Names that are wanted, where not all are. */
  outputs?: string[]
  /** Which outputs go as bytes. */
  isBinary(output: string): boolean
}

/** Reads a request's body. `headerLength` is what Inference-Header-Content-Length says, where the tensors follow the JSON as bytes. */
export function readInfer(body: Uint8Array, headerLength: string | undefined): InferCall {
  const split = headerLength === undefined ? body.byteLength : wholeNumber(headerLength, body.byteLength)
  if (split > MAX_INFER_JSON_BYTES)
    throw fail("IPFA_PROTOCOL_TOO_LARGE", {
      message: `Of a request, ${MAX_INFER_JSON_BYTES} bytes may be JSON. Send the tensors as bytes (the binary tensor extension).`,
      data: { bytes: split, limit: MAX_INFER_JSON_BYTES },
    })
  const request = check(inferRequestSchema, parse(body.subarray(0, split)), "IPFA_INPUT_INVALID")
  const options = check(ours, request.parameters, "IPFA_INPUT_INVALID")
  const feeds: Record<string, Tensor> = Object.create(null)
  let at = split
  for (const [i, input] of request.inputs.entries()) {
    const path = `inputs.${i}`
    const dtype = toDtype(input.datatype, `${path}.datatype`)
    if (Number.isNaN(elements(input.shape)))
      throw invalid(`${path}.shape`, "whole dimensions whose product is below 2^31")
    if (Object.hasOwn(feeds, input.name)) throw invalid(`${path}.name`, "each input once")
    const size = input.parameters.binary_data_size
    if (size === undefined) feeds[input.name] = fromJson(dtype, input.shape, input.data, `${path}.data`)
    else {
      if (
        !Number.isSafeInteger(size) ||
        (size as number) < 0 ||
        (size as number) > body.byteLength - at ||
        headerLength === undefined
      )
        throw invalid(`${path}.parameters.binary_data_size`, "so many bytes after the JSON")
      if (input.data !== undefined) throw invalid(`${path}.data`, "no data beside binary_data_size")
      feeds[input.name] = fromBinary(dtype, input.shape, body.subarray(at, at + (size as number)), path)
      at += size as number
    }
  }
  if (at !== body.byteLength)
    throw invalid("inputs", "as many bytes after the JSON as the inputs' binary_data_size add up to")
  const wanted = request.outputs && new Map(request.outputs.map((o) => [o.name, o.parameters]))
  return {
    ...(request.id !== undefined && { id: request.id }),
    ...(options.device !== undefined && { device: options.device }),
    ...(options.agent !== undefined && { agent: options.agent }),
    ...(options.deadline_ms !== undefined && { deadlineMs: options.deadline_ms }),
    ...(options.priority !== undefined && { priority: options.priority }),
    feeds: { ...feeds },
    ...(wanted && wanted.size > 0 && { outputs: [...wanted.keys()] }),
    isBinary: (output) => Boolean(wanted?.get(output)?.binary_data ?? options.binary_data_output),
  }
}

function parse(json: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json))
  } catch {
    throw invalid("", "JSON")
  }
}

function wholeNumber(text: string, most: number): number {
  const n = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (!(n <= most)) throw invalid("Inference-Header-Content-Length", "the length of the JSON, at most the body's")
  return n
}
