import { setTimeout as delay } from "node:timers/promises"
import { type BridgeView, fail, type Handlers, type Invitation, type StoredBenchmark } from "../../protocol/index.ts"
import type { Pairing } from "../access/pairing.ts"
import { VERSION } from "../version.ts"
import type { BridgeCaller } from "./caller.ts"
import type { RouterParts } from "./router.ts"

export interface OverviewParts extends Pick<RouterParts, "fleet" | "slots" | "runs" | "stats" | "evidence"> {
  pairing: Pairing
  /** Where browsers call the bridge-server, the best first. */
  addresses(): string[]
}

/** What the dashboard asks: who is there and how it goes, what was measured, a code for one more browser. */
export function overview(parts: OverviewParts): Handlers<BridgeCaller> {
  const { evidence, pairing, addresses } = parts
  const startedAt = Date.now()
  return {
    "dashboard.watch": async (_, { signal, emit }) => {
      for (;;) {
        void emit(view(parts, startedAt))
        // Rates are of whole seconds: there is news when one is over.
        await delay(1000 - (Date.now() % 1000), undefined, { signal })
      }
    },
    "dashboard.history": async ({ limit }) => {
      if (!evidence) throw fail("IPFA_STORAGE_QUERY", { message: "This bridge-server keeps no evidence." })
      const all = await evidence.benchmarks({ limit })
      return { benchmarks: all.map(({ samplesMs, scenario, backend, ...rest }): StoredBenchmark => rest) }
    },
    "dashboard.invite": ({ for: use }, { caller }): Invitation => {
      // What takes one dashboard's token back is to end all it led to.
      if (use === "dashboard" && caller.role !== "owner")
        throw fail("IPFA_GRANT_REQUIRED", { message: "Another dashboard is the bridge-server's owner's to open." })
      return { ...pairing.create(use), addresses: addresses() }
    },
  }
}

function view({ fleet, slots, runs, stats }: OverviewParts, startedAt: number): BridgeView {
  const { done, failed, reruns } = runs.counts
  return {
    version: VERSION,
    startedAt,
    at: Date.now(),
    members: fleet.members.map(({ agent, browser, version, hardware, suspect, load, joinedAt }) => ({
      agent,
      browser,
      version,
      devices: hardware.devices.map(({ id }) => id),
      suspect,
      ...load,
      joinedAt,
    })),
    hardware: fleet.hardware(),
    jobs: { running: slots.running, waiting: slots.waiting, done, failed, reruns },
    seconds: stats.seconds(),
    latencies: stats.latencies(),
    errors: stats.errors(),
    benchmarks: stats.benchmarks,
  }
}
