import type { Message } from "../../protocol/envelope.ts"
import type { Port } from "../../protocol/port.ts"

/** Makes two ports one connection: what comes out of one goes into the other, and they end together. */
export function relay(a: Port, b: Port): void {
  pipe(a, b)
  pipe(b, a)
}

function pipe(from: Port, to: Port): void {
  from.start(
    (message) => {
      try {
        to.send(message as Message)
      } catch (error) {
        // Larger than the channel takes, or it is gone: the call must not wait for ever.
        const reason = (error as { code?: string }).code
        from.close(reason)
        to.close(reason)
      }
    },
    () => to.close(),
  )
}
