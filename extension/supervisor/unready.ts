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

/**
 * Answers the person's screens there: with what stands in the way. They can have it tried again, in a document that starts anew, since what
 * was begun here can't be taken back; and be rid of it by deleting everything.
 */
export function tellPerson(port: Port, error: unknown): void {
  // Whoever asked hears of it first.
  const soon = (act: () => void) => () => {
    setTimeout(act)
    return {}
  }
  const own = { "owner.restart": soon(() => location.reload()), "owner.erase": soon(eraseOnRestart) }
  new Peer(port, { role: "supervisor", handlers: { ...refusing(error), ...own } })
}

/** Every method, refused. */
function refusing(error: unknown): Handlers<undefined> {
  const refuse = () => Promise.reject(error)
  return Object.fromEntries(methods.map(({ name }) => [name, refuse]))
}
