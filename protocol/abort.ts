import { AccelerateError, fail } from "./errors/error.ts"

/** Why `signal` aborted: IPFA_JOB_DEADLINE for a timeout, IPFA_JOB_CANCELLED for whatever is no error of ours already. */
export function abortReason({ reason }: AbortSignal): AccelerateError {
  if (reason instanceof AccelerateError) return reason
  const timeout = (reason as { name?: unknown } | undefined)?.name === "TimeoutError"
  return fail(timeout ? "IPFA_JOB_DEADLINE" : "IPFA_JOB_CANCELLED", { cause: reason })
}

/** `promise`, or the reason of `signal` as soon as it aborts; what `promise` does goes on. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortReason(signal))
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort))
    if (signal.aborted) onAbort()
    else signal.addEventListener("abort", onAbort, { once: true })
  })
}
