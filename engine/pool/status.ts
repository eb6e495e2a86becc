import { fail, PROTOCOL_VERSION, type Status } from "../../protocol/index.ts"
import type { Caller } from "../caller.ts"
import { type Activity, keptBytes, type Lease } from "./lease.ts"
import type { Leases } from "./leases.ts"
import type { PoolSettings } from "./options.ts"

/** The person, who sees what everybody does. A bridge is another program: what pages do here is not its business. */
export function isOwner(caller: Caller): boolean {
  return caller.origin === "owner"
}

/** Throws IPFA_JOB_PAUSED where nothing is computed for that caller now. */
export function checkPause({ paused }: PoolSettings, caller: Caller): void {
  if (paused && !isOwner(caller)) throw fail("IPFA_JOB_PAUSED")
}

interface Parts {
  settings: PoolSettings
  leases: Leases
  /** What `origin`'s connections did; everybody's, those that ended included, where absent. */
  activityOf(origin?: string): Activity
}

/** What one connection sees: its own sessions and jobs; an owner everybody's. */
export function connectionStatus(
  parts: Parts,
  caller: Caller,
  connection: { leases: ReadonlyMap<string, Lease>; activity: Activity },
): Status {
  if (isOwner(caller)) return callerStatus(parts, caller)
  return status(parts, [...connection.leases.values()], connection.activity, false)
}

/** What all connections of `caller`'s origin have; for an owner, everybody's. */
export function callerStatus(parts: Parts, caller: Caller): Status {
  const owner = isOwner(caller)
  const leases = [...(owner ? parts.leases.all() : parts.leases.of(caller.origin))]
  return status(parts, leases, parts.activityOf(owner ? undefined : caller.origin), owner)
}

function status({ settings }: Parts, leases: readonly Lease[], activity: Activity, owner: boolean): Status {
  const now = performance.now()
  return {
    version: settings.version,
    protocolVersion: PROTOCOL_VERSION,
    agent: settings.agent,
    browser: settings.browser,
    sessions: leases.map((lease) => {
      const { sessionId, reference: model, loaded } = lease
      const common = { sessionId, model, device: loaded.device }
      if (owner) {
        const idleMs = loaded.jobs.size > 0 ? 0 : now - loaded.lastUsedAt
        return { ...common, leases: loaded.leases, memoryBytes: loaded.bytes, idleMs }
      }
      // How many others share it, what they keep there and when they run is theirs to know.
      return {
        ...common,
        leases: leases.filter((other) => other.loaded === loaded).length,
        memoryBytes: (loaded.residence?.memoryBytes ?? 0) + keptBytes(lease),
        idleMs: lease.jobs.size > 0 ? 0 : now - lease.lastUsedAt,
      }
    }),
    jobs: { ...activity },
  }
}
