import { expect, test } from "vitest"
import { noFirefox } from "../support/firefox.ts"
import { inWords } from "./soak/ledger.ts"
import { soak } from "./soak/soak.ts"

const SEED = Number(process.env.IPFA_SEED ?? 20_261_121)

test.skipIf(noFirefox)(
  `18 seconds of load and faults, with seed ${SEED}: no answer is wrong, lost or missing${noFirefox}`,
  async () => {
    const { counts, anomalies, faults, memory } = await soak({
      minutes: 0.3,
      seed: SEED,
      devices: { chromium: ["wasm"], firefox: ["wasm"] },
      warmUpMinutes: 0,
      pages: 1,
      programs: 1,
      pauseMs: [200, 1000],
      hungMs: 60_000,
      idleMs: 500,
      looks: 1,
      say: () => undefined,
    })
    expect(anomalies.map(inWords)).toEqual([])
    expect(counts).toMatchObject({ wrong: 0, lost: 0, hung: 0 })
    expect(counts.jobs).toBe(counts.right + counts.ended + counts.dropped)
    expect(counts.right).toBeGreaterThan(50)
    expect(Object.values(faults).reduce((sum, n) => sum + n)).toBeGreaterThan(1)
    expect(memory.map(({ part }) => part)).toEqual(expect.arrayContaining(["bridge-server", "firefox: main process"]))
  },
  300_000,
)
