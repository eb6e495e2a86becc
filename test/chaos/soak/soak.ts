import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { commitMeasured, machine } from "../../../bench/harness.ts"
import { median } from "../../../bench/statistics.ts"
import { repoRoot } from "../../../scripts/sources.ts"
import { pagesDir } from "../../support/extension.ts"
import { processMiB } from "../../support/processes.ts"
import { serveFolder } from "../../support/serve.ts"
import { type SoakBridge, startSoakBridge } from "./bridge.ts"
import { type Memory, memoryOf, openChromium, openFirefox, type SoakBrowser } from "./browsers.ts"
import { Draws } from "./draws.ts"
import { FaultActor } from "./fault-actor.ts"
import { models } from "./jobs.ts"
import { type Anomaly, inWords, Ledger } from "./ledger.ts"
import { NodeActor } from "./node-actor.ts"
import { PageActor } from "./page-actor.ts"

export type SoakDevices = Record<SoakBrowser["name"], readonly string[]>

export interface SoakOptions {
  /** How long the load lasts; beginning and ending come on top. */
  minutes: number
  seed: number
  /** Devices that pages ask their browser for. Programs ask for those that all have. */
  devices: SoakDevices
  /** How long every actor acts before memory is looked at for the first time: heaps and caches grow to what they need, and no further. */
  warmUpMinutes: number
  /** Pages in each browser, and Node programs. */
  pages: number
  programs: number
  /** Least and most time between a fault's end and the next, ms. */
  pauseMs: readonly [least: number, most: number]
  /** What takes longer has hung, ms. */
  hungMs: number
  /** How long everything rests before memory is looked at, ms. */
  idleMs: number
  /** How often memory is looked at each time, 5 s apart; the median counts. */
  looks: number
  say(text: string): void
}

export interface MemoryRow {
  part: string
  /** Absent where it could not be looked at. */
  startMiB?: number
  endMiB?: number
}

/** Memory at work, MiB by part. */
export interface Glance {
  /** Of the load. */
  minute: number
  mib: Memory
}

/** What bench/results/soak.json holds; docs/soak.md explains it. */
export interface SoakResult {
  name: "soak"
  /** ISO 8601 */
  date: string
  commit: string
  machine: string
  minutes: number
  seed: number
  devices: SoakDevices
  counts: Ledger["counts"]
  faults: Record<string, number>
  memory: MemoryRow[]
  course: Glance[]
  anomalies: Anomaly[]
}

/** Between two glances at memory under load, minutes. */
const GLANCE_MINUTES = 5
/** Between two looks at memory, ms. */
const LOOK_PAUSE_MS = 5000

/** By how much memory may be above the start. */
export const MEMORY_SLACK = 0.1

export const memoryIsBack = ({ memory }: Pick<SoakResult, "memory">): boolean =>
  memory.every(({ startMiB = 0, endMiB = Number.POSITIVE_INFINITY }) => endMiB <= startMiB * (1 + MEMORY_SLACK))

export const isClean = ({ counts }: Pick<SoakResult, "counts">): boolean =>
  counts.wrong + counts.lost + counts.hung === 0

/** Runs it all in real browsers and processes, and says what came of it. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { minutes, seed, devices, warmUpMinutes, idleMs, say } = options
  const commit = commitMeasured(repoRoot)
  await using world = await openWorld(options)
  const { actors, faults, ledger, glance, look } = world
  say("Everything runs once, and goes on until it is warm …")
  await Promise.all(actors.map((actor) => actor.start()))
  const actFor = async (minutes: number, ...besides: ((over: AbortSignal) => Promise<void>)[]) => {
    const over = AbortSignal.timeout(minutes * 60_000)
    const whileTime = async (act: () => Promise<void>) => {
      while (!over.aborted) await act()
    }
    const acts = [...actors.map((actor) => () => actor.act()), ...besides.map((act) => () => act(over))]
    await Promise.all(acts.map(whileTime))
  }
  if (warmUpMinutes > 0) await actFor(warmUpMinutes)
  await delay(idleMs)
  const start = rounded(await look())

  say(`Under load for ${minutes} minutes, with seed ${seed} …`)
  const course: Glance[] = []
  const watch = async (over: AbortSignal) => {
    await delay(GLANCE_MINUTES * 60_000, undefined, { signal: over }).catch(() => undefined)
    if (!over.aborted) course.push({ minute: GLANCE_MINUTES * (course.length + 1), mib: rounded(await glance()) })
  }
  await actFor(minutes, (over) => faults.act(over), watch)

  say("At rest …")
  await delay(idleMs)
  const end = rounded(await look())
  return {
    name: "soak",
    date: new Date().toISOString(),
    commit: commit(),
    machine: machine(),
    minutes,
    seed,
    devices,
    counts: ledger.counts,
    faults: faults.struck,
    memory: Object.keys({ ...start, ...end }).map((part) => ({
      part,
      ...(start[part] !== undefined && { startMiB: start[part] }),
      ...(end[part] !== undefined && { endMiB: end[part] }),
    })),
    course,
    anomalies: ledger.anomalies,
  }
}

const rounded = (memory: Memory): Memory =>
  Object.fromEntries(Object.entries(memory).map(([part, mib]) => [part, Math.round(mib)]))

interface World extends AsyncDisposable {
  actors: (PageActor | NodeActor)[]
  faults: FaultActor
  ledger: Ledger
  /** What processes take, at work. */
  glance(): Promise<Memory>
  /** What everything takes, at rest. */
  look(): Promise<Memory>
}

/** The bridge-server, both browsers, their pages and the programs. */
async function openWorld(options: SoakOptions): Promise<World> {
  const { seed, devices, pages, programs, pauseMs, hungMs, looks, say } = options
  await using opened = new AsyncDisposableStack()
  const modelsDir = mkdtempSync(path.join(tmpdir(), "ipfa soak models "))
  opened.defer(() => rmSync(modelsDir, { recursive: true }))
  const batches = mkdtempSync(path.join(tmpdir(), "ipfa soak batches "))
  opened.defer(() => rmSync(batches, { recursive: true }))
  for (const [name, bytes] of Object.entries(models)) writeFileSync(path.join(modelsDir, name), bytes)
  const bridge = await startSoakBridge()
  opened.defer(() => bridge.close())

  const ledger = new Ledger(hungMs, (anomaly) => say(inWords(anomaly)))
  const actors: (PageActor | NodeActor)[] = []
  const browsers: SoakBrowser[] = []
  for (const open of [openChromium, openFirefox]) {
    const browser = await open({ ws: bridge.ws, code: await bridge.pairingCode() })
    opened.defer(() => browser.close())
    browsers.push(browser)
    say(`${browser.name} has joined.`)
    for (let i = 1; i <= pages; i++) {
      const served = await serveFolder(pagesDir, { mounts: { "/models/": modelsDir, "/batches/": batches } })
      opened.defer(() => served.close())
      const name = `${browser.name} page ${i}`
      const site = served.url
      const draws = new Draws(seed, name)
      actors.push(new PageActor({ name, browser, site, batches, devices: devices[browser.name], draws, ledger }))
    }
  }
  const common = devices.chromium.filter((device) => devices.firefox.includes(device))
  const targets = [{}, { device: "native-cpu" }, ...common.map((device) => ({ device }))]
  for (let i = 1; i <= programs; i++) {
    const name = `program ${i}`
    const actor = new NodeActor({ name, bridge, targets, draws: new Draws(seed, name), ledger })
    opened.defer(() => actor.close())
    actors.push(actor)
  }
  const faults = new FaultActor({
    faults: [
      ...browsers.flatMap(({ name, faults }) =>
        Object.entries(faults).map(([part, strike]) => ({ name: `${name}: ${part}`, strike })),
      ),
      { name: "native process", strike: () => killNative(bridge) },
    ],
    pauseMs,
    draws: new Draws(seed, "faults"),
    ledger,
  })
  const all = async (ofBrowser: (browser: SoakBrowser) => Promise<Memory>) => {
    const native = await bridge.nativePid()
    const parts = await Promise.all(browsers.map(ofBrowser))
    const own = { "bridge-server": processMiB([bridge.pid]), "native process": processMiB([native]) }
    return Object.assign({}, ...parts, memoryOf(own)) as Memory
  }
  const lookOnce = () => all((browser) => browser.memory())
  const look = async () => {
    const seen = [await lookOnce()]
    while (seen.length < looks) {
      await delay(LOOK_PAUSE_MS)
      seen.push(await lookOnce())
    }
    const parts = Object.keys(Object.assign({}, ...seen))
    const ofPart = (part: string) => seen.map((memory) => memory[part]).filter((mib) => mib !== undefined)
    return Object.fromEntries(parts.map((part) => [part, median(ofPart(part))]))
  }
  const dispose = opened.move()
  const glance = () => all((browser) => browser.glance())
  return { actors, faults, ledger, glance, look, [Symbol.asyncDispose]: () => dispose.disposeAsync() }
}

async function killNative(bridge: SoakBridge): Promise<boolean> {
  const pid = await bridge.nativePid()
  // It may not have come back from the last time yet.
  if (pid > 0) process.kill(pid, "SIGKILL")
  return pid > 0
}
