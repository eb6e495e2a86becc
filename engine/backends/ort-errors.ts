import { AccelerateError, asAccelerateError, type ErrorCode, fail } from "../../protocol/index.ts"

/**
 * What ONNX Runtime throws says little by type: its message is all there is. These patterns are of ONNX Runtime 1.30 and of the browsers'
 * own errors, and are tried in this order.
 */
const lossPatterns = [
  // The GPU went away: the next read-back fails, later calls would hang.
  /mapAsync|device (is |was )?(lost|destroyed)|Device.*lost|Instance (dropped|reference)|GPU connection lost|DXGI_ERROR_DEVICE/i,
  /MLContext.*(lost|destroyed)|context is lost/i,
  // The WebAssembly heap is not usable after any of these.
  /Aborted\(|unreachable|memory access out of bounds|table index is out of bounds|null function or function signature/i,
]
const memoryPatterns = [
  /out of memory|bad_alloc|failed to allocate|allocation failed|Array buffer allocation|OOM/i,
  // A size past what 32 bits can say, in WebAssembly.
  /SafeIntOnOverflow/,
]

export function reasonOf(error: unknown): string {
  if (error instanceof Error) return error.message
  // A C++ exception that nothing caught surfaces as its address.
  return typeof error === "number" ? `exception ${error} in the runtime` : String(error)
}

/** Whether the device, or the heap the runtime lives in, can't be used any more after `error`. */
export function looksLost(error: unknown): boolean {
  if (error instanceof AccelerateError) return error.code === "IPFA_DEVICE_LOST"
  if (typeof error === "number" || (typeof WebAssembly !== "undefined" && error instanceof WebAssembly.RuntimeError))
    return true
  const reason = reasonOf(error)
  return lossPatterns.some((pattern) => pattern.test(reason))
}

/** `error` under its code, `otherwise` where it is neither a loss nor a want of memory; `data.reason` is the runtime's own message. */
export function ortFailure(error: unknown, otherwise: ErrorCode): AccelerateError {
  if (error instanceof AccelerateError) return error
  const reason = reasonOf(error)
  if (looksLost(error)) return asAccelerateError(error, "IPFA_DEVICE_LOST")
  if (memoryPatterns.some((pattern) => pattern.test(reason))) return asAccelerateError(error, "IPFA_DEVICE_MEMORY")
  return fail(otherwise, { message: `${messages[otherwise] ?? ""}${reason}`, data: { reason }, cause: error })
}

const messages: Partial<Record<ErrorCode, string>> = {
  IPFA_DEVICE_UNSUPPORTED: "The device can't run this model: ",
  IPFA_RUN_FAILED: "The runtime failed while it ran the model: ",
}
