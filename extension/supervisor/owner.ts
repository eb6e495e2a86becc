import type { BridgeLink } from "../../engine/agent/bridge-link.ts"
import type { Caller } from "../../engine/caller.ts"
import type { Pool } from "../../engine/index.ts"
import type { ModelLibrary } from "../../engine/store/library.ts"
import {
  type BenchmarkRecord,
  type EventOf,
  type Handlers,
  type Methods,
  Peer,
  type Port,
  type Snapshot,
} from "../../protocol/index.ts"
import type { Gate } from "../gate/gate.ts"
import type { SiteSwitches } from "../gate/site-switches.ts"
import type { JobLog } from "./job-log.ts"
import type { Limits } from "./limits.ts"
import type { PreferenceKeeper } from "./preferences.ts"
import type { PromptPages } from "./prompt-pages.ts"
import type { RowLog } from "./row-log.ts"
import { storedModelHandlers } from "./stored-models.ts"

/** Of what `job.watch` tells. */
const LIVE = 100
const LOGGED = 200

const OWNER: Caller = { origin: "owner" }

export interface OwnerParts {
  gate: Gate
  prompts: PromptPages
  pool: Pool
  bridge: BridgeLink
  jobs: JobLog
  benchmarks: RowLog<BenchmarkRecord>
  preferences: PreferenceKeeper
  sites: SiteSwitches
  models: ModelLibrary
  limits: Limits
  /** What stayed when this supervisor began by deleting everything. */
  unerased: readonly string[]
  /** Deletes everything; the supervisor ends. */
  erase(): Promise<void>
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
    const { gate, prompts, pool, bridge, jobs, benchmarks, preferences, sites, models, limits, erase } = this.#parts
    const { handlers, dispose } = pool.serve(OWNER)
    const own: Handlers<Caller> = {
      "owner.watch": (_params, { emit, signal }) => this.#watch(() => void emit(this.#snapshot()), signal),
      "owner.prefer": (changes) => {
        const kept = preferences.change(changes)
        return this.#chosen(kept, limits.obey())
      },
      "owner.erase": async () => {
        await erase()
        return {}
      },
      "site.switch": async ({ origin, on }) => {
        const kept = sites.set(origin, on)
        await this.#chosen(kept, gate.endBarred())
        return {}
      },
      ...storedModelHandlers(models, () => this.changed()),
      "job.watch": (_params, { emit, signal }) => this.#watch(() => void emit(this.#jobs()), signal),
      "job.clear": async () => {
        await jobs.clear()
        this.changed()
        return {}
      },
      "benchmark.list": async () => ({ benchmarks: await benchmarks.all() }),
      "benchmark.clear": async () => {
        await benchmarks.clear()
        return {}
      },
      "grant.revoke": async ({ origin }) => ({ revoked: await gate.revoke(origin) }),
      ...prompts.handlers(() => peer),
      "bridge.pair": ({ url, code }, { signal }) => bridge.pair(url, code, signal),
      "bridge.find": () => {
        bridge.find()
        return {}
      },
      "bridge.forget": async () => {
        await bridge.forget()
        return {}
      },
    }
    const peer: Peer<Caller> = new Peer<Caller>(port, {
      role: "supervisor",
      caller: OWNER,
      handlers: { ...handlers, ...own },
    })
    void peer.closed.then(() => {
      dispose()
      prompts.left(peer)
    })
  }

  /** A choice of the person's, once the parts hold to it: it is told, and what keeping it failed with, as on a full disk, is thrown only then. */
  async #chosen<T>(kept: Promise<T>, obeyed: unknown): Promise<T> {
    await Promise.allSettled([kept, obeyed])
    this.changed()
    await obeyed
    return kept
  }

  #snapshot(): Snapshot {
    const { gate, bridge, preferences, sites, limits, unerased } = this.#parts
    return {
      grants: gate.list(),
      blocked: sites.off,
      bridge: bridge.state,
      preferences: preferences.current,
      paused: limits.paused,
      unerased: [...unerased],
    }
  }

  #jobs(): EventOf<Methods["job.watch"]> {
    const { pool, jobs } = this.#parts
    const { running, waiting } = pool.status(OWNER).jobs
    return { running, waiting, live: pool.jobs().slice(0, LIVE), log: jobs.last(LOGGED) }
  }

  /** Calls `tell` now and at each change. */
  #watch(tell: () => void, signal: AbortSignal): Promise<never> {
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
