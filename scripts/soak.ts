/** `npm run soak -- --minutes M --seed N`: real browsers and programs under load and faults, every answer checked. What it does and writes: docs/soak.md. */
import { randomInt } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { parseArgs } from "node:util"
import { isClean, MEMORY_SLACK, memoryIsBack, soak } from "../test/chaos/soak/soak.ts"
import { ensureChromium, ensureFirefox, FIREFOX_ABSENT } from "./browsers.ts"
import { repoRoot } from "./sources.ts"

const usage = `npm run soak -- [--minutes M] [--seed N] [--devices wasm,webgpu,wgsl] [--out FILE]

  --minutes M      how long the load lasts; default 5
  --seed N         what happens, and in what order for each actor; drawn and printed where absent
  --devices LIST   what browsers compute on; default wasm,webgpu,wgsl; webgpu in Chromium alone (docs/soak.md)
  --out FILE       default bench/results/soak.json`

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
    devices: { type: "string", default: "wasm,webgpu,wgsl" },
    out: { type: "string", default: path.join(repoRoot, "bench", "results", "soak.json") },
    help: { type: "boolean", default: false },
  },
})
const minutes = Number(values.minutes)
const devices = values.devices.split(",")
const seed = Number(values.seed)
if (values.help || !(minutes > 0) || !Number.isSafeInteger(seed)) {
  console[values.help ? "log" : "error"](usage)
  process.exit(values.help ? 0 : 2)
}
if (!(await ensureChromium())) process.exit(1)
if (!(await ensureFirefox())) {
  console.error(FIREFOX_ABSENT)
  process.exit(1)
}
// The browsers and the bridge-server end with this process.
for (const signal of ["SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1))
console.log(`Seed ${seed}: with --seed ${seed} every actor does the same again.`)

const result = await soak({
  minutes,
  seed,
  devices: { chromium: devices, firefox: devices.filter((device) => device !== "webgpu") },
  warmUpMinutes: Math.min(10, minutes / 4),
  pages: 2,
  programs: 2,
  pauseMs: [2000, 20_000],
  hungMs: 120_000,
  // Longer than a worker with a large heap is kept without a session.
  // The bridge-server gives back what it has freed 70 s after its last job.
  idleMs: 75_000,
  looks: 5,
  say: (text) => console.error(text),
})
mkdirSync(path.dirname(values.out), { recursive: true })
writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`)

console.log(`\nAfter ${minutes} minutes with seed ${seed}`)
console.table(result.counts)
console.table(result.faults)
console.table(
  result.memory.map(({ part, startMiB, endMiB }) => ({
    part,
    "start, MiB": startMiB,
    "end, MiB": endMiB,
    back: memoryIsBack({ memory: [{ part, startMiB, endMiB }] }),
  })),
)
if (!isClean(result)) console.log("An answer was wrong, lost or never came.")
if (!memoryIsBack(result)) console.log(`Memory is not back within ${100 * MEMORY_SLACK} % of the start.`)
process.exit(isClean(result) && memoryIsBack(result) ? 0 : 1)
