import { type AccelerateError, asAccelerateError, fail } from "./error.ts"
import { type ErrorCode, registry } from "./registry.ts"
import type { WireError } from "./wire-schema.ts"

const MAX_DATA_CHARACTERS = 65_536

export function serialiseError(error: unknown): WireError {
  const e = asAccelerateError(error)
  const cause = e.cause instanceof Error ? `${e.cause.name}: ${e.cause.message}` : undefined
  return {
    code: e.code,
    message: e.message.slice(0, 8192),
    data: jsonOnly(e.data),
    ...(cause && { cause: cause.slice(0, 8192) }),
  }
}

/** The same on every transport, and never a reason for the error itself not to arrive. */
function jsonOnly(data: Record<string, unknown>): Record<string, unknown> {
  try {
    const json = JSON.stringify(data)
    return json.length <= MAX_DATA_CHARACTERS ? JSON.parse(json) : {}
  } catch {
    return {}
  }
}

/** The same class and code on this side. A code that a newer peer knows and this one doesn't becomes IPFA_INTERNAL that names it. */
export function deserialiseError(wire: WireError): AccelerateError {
  const cause = wire.cause === undefined ? undefined : new Error(wire.cause)
  if (!Object.hasOwn(registry, wire.code))
    return fail("IPFA_INTERNAL", { message: wire.message, data: { ...wire.data, code: wire.code }, cause })
  return fail(wire.code as ErrorCode, { message: wire.message, data: wire.data, cause })
}
