import type { BridgeLink } from "../../engine/agent/bridge-link.ts"
import type { Caller } from "../../engine/caller.ts"
import type { Pool } from "../../engine/index.ts"
import { type EventOf, type Handlers, type Methods, Peer, type Port } from "../../protocol/index.ts"
import type { Gate } from "../gate/gate.ts"
import type { Prompts } from "../gate/prompts.ts"

type Snapshot = EventOf<Methods["owner.watch"]>

const OWNER: Caller = { origin: "owner" }

export interface OwnerParts {
  gate: Gate
  prompts: Prompts
  pool: Pool
  bridge: BridgeLink
}

/** Serves the extension's own pages, which speak for the person. */
export class Owner {
  readonly #parts: OwnerParts
  readonly #watchers = new Set<() => void>()

  constructor(parts: OwnerParts) {
    this.#parts = parts
  }

  /** Something that `owner.watch` tells has changed. */
  changed(): void {
    for (const tell of this.#watchers) tell()
  }

  accept(port: Port): void {
    const { gate, prompts, pool, bridge } = this.#parts
    const shown = new Set<string>()
    const { handlers, dispose } = pool.serve(OWNER)
    const own: Handlers<Caller> = {
      "owner.watch": (_params, call) => this.#watch((snapshot) => void call.emit(snapshot), call.signal),
      "grant.revoke": async ({ origin }) => ({ revoked: await gate.revoke(origin) }),
      "prompt.show": ({ id }) => {
        const details = prompts.details(id)
        shown.add(id)
        return details
      },
      "prompt.answer": ({ id, answer }) => {
        prompts.details(id)
        prompts.answer(id, answer)
        return {}
      },
      "bridge.pair": ({ url, code }, { signal }) => bridge.pair(url, code, signal),
      "bridge.forget": async () => {
        await bridge.forget()
        return {}
      },
    }
    const peer = new Peer<Caller>(port, { role: "supervisor", caller: OWNER, handlers: { ...handlers, ...own } })
    void peer.closed.then(() => {
      dispose()
      // The window was closed: no answer is a no.
      for (const id of shown) prompts.answer(id, "deny")
    })
  }

  #watch(emit: (snapshot: Snapshot) => void, signal: AbortSignal): Promise<never> {
    const tell = () => emit({ grants: this.#parts.gate.list(), bridge: this.#parts.bridge.state })
    this.#watchers.add(tell)
    tell()
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => {
        this.#watchers.delete(tell)
        reject(signal.reason)
      }),
    )
  }
}
