import { asAccelerateError } from "../../protocol/index.ts"

/** `promise`, or a rejection with the signal's reason as soon as it aborts; what `promise` does goes on. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(asAccelerateError(signal.reason, "IPFA_JOB_CANCELLED"))
    if (signal.aborted) {
      promise.catch(() => undefined)
      return onAbort()
    }
    signal.addEventListener("abort", onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort))
  })
}
