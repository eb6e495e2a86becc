import { fail } from "../../protocol/index.ts"

/**
 * The answer of `first`; where it is not there `lateMs` after that one has begun, `second` is asked as well, and whichever answers first counts: the
 * other's signal aborts. Where both fail, what the first one said is thrown.
 */
export async function firstOfTwo<T>(
  signal: AbortSignal,
  lateMs: number,
  first: (signal: AbortSignal, begun: () => void) => Promise<T>,
  second: (signal: AbortSignal) => Promise<T>,
): Promise<{ answer: T; isSecond: boolean }> {
  signal.throwIfAborted()
  const over = new AbortController()
  const giveUp = () => over.abort(signal.reason)
  signal.addEventListener("abort", giveUp, { once: true })
  const other = Promise.withResolvers<T>()
  let timer: NodeJS.Timeout | undefined
  let isAsked = false
  const ask = () => {
    isAsked = true
    second(over.signal).then(other.resolve, other.reject)
  }
  const one = first(over.signal, () => {
    timer = setTimeout(ask, lateMs)
  })
  const failed = (error: unknown) => {
    clearTimeout(timer)
    if (!isAsked) other.reject(error)
    throw error
  }
  try {
    return await Promise.any([
      one.then((answer) => ({ answer, isSecond: false }), failed),
      other.promise.then((answer) => ({ answer, isSecond: true })),
    ])
  } catch (error) {
    throw (error as AggregateError).errors[0]
  } finally {
    clearTimeout(timer)
    signal.removeEventListener("abort", giveUp)
    if (isAsked) over.abort(fail("IPFA_JOB_CANCELLED"))
  }
}
