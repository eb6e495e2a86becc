import type { Caller } from "../../engine/caller.ts"
import type { Pool } from "../../engine/index.ts"
import { type Handler, type Handlers, type MethodDefinition, Peer, type Port } from "../../protocol/index.ts"
import type { Gate, Visitor } from "../gate/gate.ts"

/** Connections one origin may have open; each page that uses the API has one. */
const MAX_CONNECTIONS = 64

/** A page, by the browser's word. */
export interface PageSender {
  origin: string
  /** Its window is private. */
  isPrivate: boolean
  /** Resolves when the page has ended, where its port doesn't tell. */
  ended?: Promise<void>
}

/** Serves pages: each has its connection, and is held to what a person granted its origin. */
export class Pages {
  readonly #gate: Gate
  readonly #pool: Pool
  readonly #forgetPrivate: () => void
  readonly #open = new Map<string, number>()
  #private = 0

  /** `forgetPrivate` is called when no page in a private window is left. */
  constructor(gate: Gate, pool: Pool, forgetPrivate: () => void) {
    this.#gate = gate
    this.#pool = pool
    this.#forgetPrivate = forgetPrivate
  }

  accept(port: Port, { origin, isPrivate, ended }: PageSender): void {
    const open = this.#open.get(origin) ?? 0
    if (open >= MAX_CONNECTIONS) return port.close("IPFA_QUEUE_FULL")
    this.#open.set(origin, open + 1)
    if (isPrivate) this.#private++
    const visitor = this.#gate.enter(origin, isPrivate)
    const { handlers, dispose } = serveVisitor(this.#pool, visitor)
    const peer = new Peer<Caller>(port, {
      role: "pool",
      authorise: (method) => this.#gate.authorise(method, visitor),
      handlers: {
        ...handlers,
        "grant.request": (request, { signal }) => this.#gate.request(visitor, request, signal),
      },
    })
    void ended?.then(() => peer.close())
    void peer.closed.then(() => {
      dispose()
      this.#gate.leave(visitor)
      const left = (this.#open.get(origin) ?? 1) - 1
      if (left > 0) this.#open.set(origin, left)
      else this.#open.delete(origin)
      if (isPrivate && --this.#private === 0) this.#forgetPrivate()
    })
  }
}

/** The pool's handlers for a page. What it has there goes with its grant; when it is granted something again, it starts anew. */
function serveVisitor(pool: Pool, visitor: Visitor): ReturnType<Pool["serve"]> {
  let caller = visitor.caller()
  let served = pool.serve(caller)
  const current = () => {
    if (caller.revoked.aborted) {
      served.dispose()
      caller = visitor.caller()
      served = pool.serve(caller)
    }
    return served.handlers
  }
  type AnyHandler = Handler<MethodDefinition, Caller>
  const names = Object.keys(served.handlers) as (keyof Handlers<Caller>)[]
  const forward =
    (name: keyof Handlers<Caller>): AnyHandler =>
    (params, call) =>
      (current()[name] as unknown as AnyHandler)(params, call)
  return {
    handlers: Object.fromEntries(names.map((name) => [name, forward(name)])) as Handlers<Caller>,
    dispose: () => served.dispose(),
  }
}
