import type { Caller } from "../../engine/caller.ts"
import { fail, messagePort, Peer } from "../../protocol/index.ts"
import { remoteMethods, type Surroundings } from "../../sdk/accelerator.ts"
import type { Connection } from "../../sdk/connection.ts"
import type { TestPool } from "./pool.ts"

/** The SDK on a pool, over real MessagePorts that can be cut. */
export function sdkOn({ pool }: TestPool, options: { keyed?: boolean; origin?: string } & Surroundings = {}) {
  const caller: Caller = { origin: options.origin ?? "https://page.test" }
  let live: { here: Peer; there: Peer<Caller> } | undefined
  let dials = 0
  const keys: (string | undefined)[] = []
  let gate: Promise<void> = Promise.resolve()
  const connection: Connection = {
    ...(options.keyed && { keyed: true }),
    async peer() {
      await gate
      if (live && !live.here.isClosed) return live.here
      dials++
      const { port1, port2 } = new MessageChannel()
      const { handlers: all, dispose } = pool.serve(caller)
      const handlers: typeof all = {
        ...all,
        "session.run": (params, call) => {
          keys.push(call.key)
          return all["session.run"]!(params, call)
        },
      }
      const there = new Peer<Caller>(messagePort(port2 as never), { role: "pool", handlers, caller })
      void there.closed.then(dispose)
      live = { here: new Peer(messagePort(port1 as never), { role: "page" }), there }
      return live.here
    },
  }
  const cut = () => {
    live?.here.close(fail("IPFA_PROTOCOL_CLOSED"))
    live?.there.close()
  }
  return {
    api: remoteMethods(connection, options),
    connection,
    /** Idempotency key of each run that arrived. */
    keys,
    get dials() {
      return dials
    },
    /** Ends the connection as a crash would. */
    cut,
    /** New connections wait until the returned function is called. */
    hold() {
      const held = Promise.withResolvers<void>()
      gate = held.promise
      return held.resolve
    },
    close: cut,
  }
}
