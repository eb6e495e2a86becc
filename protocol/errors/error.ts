import { type ErrorCode, type ErrorEntry, registry } from "./registry.ts"

export interface ErrorDetail {
  /** Replaces the registry's sentence where a more precise one can be given. */
  message?: string
  /** JSON values that help: `path`, `expected`, `reason`, … Never prompts, tensors or secrets. */
  data?: Record<string, unknown>
  cause?: unknown
}

/** What every failure of this software is, on whichever side of a connection it is caught. */
export class AccelerateError extends Error {
  readonly code: ErrorCode
  readonly data: Record<string, unknown>

  constructor(code: ErrorCode, detail: ErrorDetail = {}) {
    super(detail.message ?? registry[code].message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.name = new.target.name
    this.code = code
    this.data = detail.data ?? {}
  }

  get entry(): ErrorEntry {
    return registry[this.code]
  }
}

export class InputError extends AccelerateError {}
export class ProtocolError extends AccelerateError {}
export class JobError extends AccelerateError {}
export class GrantError extends AccelerateError {}
export class ModelError extends AccelerateError {}
export class StoreError extends AccelerateError {}
export class DeviceError extends AccelerateError {}
export class SessionError extends AccelerateError {}
export class BridgeError extends AccelerateError {}
export class ExtensionError extends AccelerateError {}

/** The class of each area, the second word of a code. */
const classes: Record<string, typeof AccelerateError> = {
  INPUT: InputError,
  PROTOCOL: ProtocolError,
  JOB: JobError,
  QUEUE: JobError,
  GRANT: GrantError,
  MODEL: ModelError,
  STORE: StoreError,
  DEVICE: DeviceError,
  SESSION: SessionError,
  RUN: SessionError,
  BRIDGE: BridgeError,
  AGENT: BridgeError,
  HOST: BridgeError,
  EXTENSION: ExtensionError,
  STORAGE: StoreError,
}

export function errorClass(code: ErrorCode): typeof AccelerateError {
  return classes[code.split("_")[1] ?? ""] ?? AccelerateError
}

/** Makes the error of `code`'s class: `throw fail("IPFA_MODEL_INVALID", { data: { path } })`. */
export function fail(code: ErrorCode, detail?: ErrorDetail): AccelerateError {
  return new (errorClass(code))(code, detail)
}

/**
 * `error` as one of ours: itself, an abort as IPFA_JOB_CANCELLED, what the browser's storage has no room for as IPFA_STORE_QUOTA, anything else under
 * `code`; with itself as cause.
 */
export function asAccelerateError(error: unknown, code: ErrorCode = "IPFA_INTERNAL"): AccelerateError {
  if (error instanceof AccelerateError) return error
  if (error instanceof DOMException) {
    if (error.name === "AbortError") return fail("IPFA_JOB_CANCELLED", { cause: error })
    if (error.name === "QuotaExceededError") return fail("IPFA_STORE_QUOTA", { cause: error })
  }
  const reason = error instanceof Error ? error.message : String(error)
  return fail(code, { message: `${registry[code].message} (${reason})`, data: { reason }, cause: error })
}
