import * as v from "valibot"
import { type AccelerateError, asAccelerateError, errorClass, fail } from "./error.ts"
import { type ErrorCode, registry } from "./registry.ts"

/** An error as it travels. */
export const wireErrorSchema = v.object({
  code: v.pipe(v.string(), v.maxLength(80)),
  message: v.pipe(v.string(), v.maxLength(8192)),
  data: v.optional(v.record(v.string(), v.unknown())),
  cause: v.optional(v.pipe(v.string(), v.maxLength(8192))),
})
export type WireError = v.InferOutput<typeof wireErrorSchema>

export function serialiseError(error: unknown): WireError {
  const e = asAccelerateError(error)
  const cause = e.cause instanceof Error ? `${e.cause.name}: ${e.cause.message}` : undefined
  return {
    code: e.code,
    message: e.message.slice(0, 8192),
    data: e.data,
    ...(cause && { cause: cause.slice(0, 8192) }),
  }
}

/** The same class and code on this side. A code that a newer peer knows and this one doesn't becomes IPFA_INTERNAL that names it. */
export function deserialiseError(wire: WireError): AccelerateError {
  const cause = wire.cause === undefined ? undefined : new Error(wire.cause)
  if (!Object.hasOwn(registry, wire.code))
    return fail("IPFA_INTERNAL", { message: wire.message, data: { ...wire.data, code: wire.code }, cause })
  const code = wire.code as ErrorCode
  return new (errorClass(code))(code, { message: wire.message, data: wire.data, cause })
}
