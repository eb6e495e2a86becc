import { asAccelerateError, fail, type Handlers, methods, Peer, type Port } from "../../protocol/index.ts"
import { eraseOnRestart } from "./erase.ts"

/** How long a page may keep a connection by which it is told, ms: it calls as soon as it has one, and nothing counts how many it has. */
const TELLING_MS = 10_000

/** Answers a page where the supervisor can't start: with what kind of fault it is, and no more of it. */
export function tellPage(port: Port, cause: unknown): void {
  const error = fail(asAccelerateError(cause).code)
  const peer = new Peer(port, { role: "pool", handlers: refusing(error) })
  setTimeout(() => peer.close(error), TELLING_MS)
}

/** Answers the person's screens there: with what stands in the way, of which they can be rid by deleting everything. */
export function tellPerson(port: Port, error: unknown): void {
  const erase = () => {
    // Whoever asked hears of it first.
    setTimeout(eraseOnRestart)
    return {}
  }
  new Peer(port, { role: "supervisor", handlers: { ...refusing(error), "owner.erase": erase } })
}

/** Every method, refused. */
function refusing(error: unknown): Handlers<undefined> {
  const refuse = () => Promise.reject(error)
  return Object.fromEntries(methods.map(({ name }) => [name, refuse]))
}
