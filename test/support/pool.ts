import type { Caller } from "../../engine/caller.ts"
import type { KeyedMeasurement } from "../../engine/pool/measurements.ts"
import type { PoolOptions } from "../../engine/pool/options.ts"
import { createPool, type Pool } from "../../engine/pool/pool.ts"
import type { HttpClient } from "../../engine/resolve/resolver.ts"
import { ModelLibrary } from "../../engine/store/library.ts"
import { memoryLinks, memoryStore } from "../../engine/store/memory.ts"
import { fail, memoryPorts, Peer, type Tensor } from "../../protocol/index.ts"
import { type AdderHost, floats } from "./adder.ts"

/** A web in memory: what `https://models.example/NAME` holds. */
export type Web = Map<string, Uint8Array>

/** The real library over a store in memory, downloading from `web`. */
export function memoryLibrary(web: Web): ModelLibrary {
  const http: HttpClient = {
    conditional: true,
    exact: true,
    async request(url) {
      const bytes = web.get(url)
      const status = bytes ? 200 : 404
      const headers: Record<string, string> = bytes ? { "content-length": String(bytes.byteLength) } : {}
      return {
        status,
        header: (name) => headers[name],
        body: (async function* () {
          if (bytes) yield bytes.slice()
        })(),
        discard() {},
      }
    },
  }
  const [store, links] = [memoryStore(), memoryLinks()]
  return new ModelLibrary(async () => ({ store, links }), { http, allowLoopback: false }, { quotaBytes: 2 ** 30 })
}

export interface TestPool {
  pool: Pool
  /** As they were told, with their keys. */
  measurements: KeyedMeasurement[]
  /** Puts a model on the web and returns its reference. */
  publish(name: string, bytes: Uint8Array): string
  /** A caller of its own, on a connection of its own. */
  connect(caller?: Partial<Caller>): Client
  close(): void
}

/** A pool over these hosts, with short limits. */
export function testPool(
  hosts: readonly (AdderHost | PoolOptions["hosts"][number])[],
  more: Partial<PoolOptions> = {},
): TestPool {
  const web: Web = new Map()
  const measurements: KeyedMeasurement[] = []
  const pool = createPool({
    agent: "agent-under-test",
    browser: "chromium",
    version: "0.0.0",
    hosts: hosts.map((host) => ("factory" in host ? host.factory : host)),
    models: memoryLibrary(web),
    onMeasurement: (measurement, key) => measurements.push(key === undefined ? measurement : { ...measurement, key }),
    random: () => 0,
    ...more,
  })
  const clients: Client[] = []
  return {
    pool,
    measurements,
    publish(name, bytes) {
      const url = `https://models.example/${name}`
      web.set(url, bytes)
      return url
    },
    connect(caller = {}) {
      const client = new Client(pool, { origin: "https://page.test", ...caller })
      clients.push(client)
      return client
    },
    close() {
      for (const client of clients) client.close()
      pool.close()
    },
  }
}

/** One connection to a pool, over a real Peer at each end. */
export class Client {
  readonly peer: Peer
  readonly #served: Peer<Caller>

  constructor(pool: Pool, caller: Caller) {
    const [here, there] = memoryPorts()
    const { handlers, dispose } = pool.serve(caller)
    this.#served = new Peer<Caller>(there, { role: "pool", handlers, caller })
    void this.#served.closed.then(dispose)
    this.peer = new Peer(here, { role: "page" })
  }

  open(model: string, more: { device?: string; precision?: "float32" | "float16" | "int8" | "int4" } = {}) {
    return this.peer.call("session.open", { model, ...more })
  }

  /** The reference of an upload. */
  async upload(bytes: Uint8Array): Promise<string> {
    const part = { uploadId: crypto.randomUUID(), offset: 0, total: bytes.byteLength, bytes }
    return (await this.peer.call("model.put", part)).reference!
  }

  /** Runs an adder session with `x`; with what was kept where that is an id. */
  run(
    sessionId: string,
    x: number | string = 1,
    options: Parameters<typeof this.peer.call<"session.run">>[2] & { keep?: boolean } = {},
  ) {
    const { keep, ...rest } = options
    const feeds = { x: typeof x === "number" ? floats(x) : { dtype: "float32" as const, shape: [1], kept: x } }
    return this.peer.call("session.run", { sessionId, feeds, ...(keep && { keep: ["y"] }) }, rest)
  }

  close(): void {
    this.peer.close()
    this.#served.close(fail("IPFA_PROTOCOL_CLOSED"))
  }
}

/** The number in an adder's answer. */
export function value({ outputs }: { outputs: Record<string, unknown> }): number {
  return ((outputs.y as Tensor).data as Float32Array)[0]!
}

export function keptId({ outputs }: { outputs: Record<string, unknown> }): string {
  return (outputs.y as { kept: string }).kept
}

/** The code of the error that `promise` rejects with; fails where it resolves. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return String((error as { code?: unknown }).code ?? error)
  }
  throw new Error("it was not refused")
}
