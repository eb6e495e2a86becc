import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, statSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { DuckDBInstance } from "@duckdb/node-api"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { collectAll } from "../../bridge-server/garbage.ts"
import { Evidence } from "../../bridge-server/storage/index.ts"
import type { DeviceInfo, Measurement } from "../../protocol/index.ts"
import { processMiB } from "../support/processes.ts"
import { sha256 } from "../support/store-cases.ts"

let dir: string
let file: string
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "ipfa-evidence-"))
  file = path.join(dir, "evidence.duckdb")
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const DAY = 24 * 3600_000
const model = "ab".repeat(32)
const run = (over: Partial<Measurement> = {}): Measurement => ({
  at: Date.now(),
  kind: "run",
  device: "wasm",
  backend: "wasm",
  adapter: "cpu, 2 threads",
  model,
  ms: 5,
  ok: true,
  inputElems: 64,
  ...over,
})

test("what was recorded is there after a restart, with the median of the runs that came out right", async () => {
  const first = await Evidence.open(file, { software: "1" })
  first.record("a", [
    run({ ms: 4 }),
    run({ ms: 6 }),
    run({ ms: 100 }),
    run({ ms: 900, ok: false, error: "IPFA_RUN_FAILED" }),
  ])
  await first.close()
  const second = await Evidence.open(file, { software: "2" })
  expect(await second.runs({ agent: "a" })).toMatchObject([{ device: "wasm", model, n: 4, failed: 1, p50Ms: 6 }])
  expect(await second.runs({ device: "wasm" })).toHaveLength(1)
  expect(await second.runs({ device: "webgpu" })).toEqual([])
  const seeds = await second.seed("a")
  expect(seeds).toHaveLength(4)
  expect(seeds[3]).toMatchObject({ kind: "run", ok: false, error: "IPFA_RUN_FAILED", inputElems: 64 })
  expect(seeds[0]).not.toHaveProperty("error")
  await second.close()
})

test.runIf(process.platform === "linux")(
  "gives what the process has freed between what it uses back to the system",
  async () => {
    const evidence = await Evidence.open(file, { software: "1" })
    const held = Array.from({ length: 40_000 }, (_, i) => new ArrayBuffer(2000 + (i % 3000)))
    const few = held.filter((_, i) => i % 50 === 0)
    held.length = 0
    collectAll()
    const before = processMiB([process.pid])!
    await evidence.giveBack()
    expect(before - processMiB([process.pid])!).toBeGreaterThan(60)
    expect(few).toHaveLength(800)
    await evidence.close()
  },
)

test("at rest nothing of what was recorded stays in memory and in the log: it is in the file", async () => {
  const evidence = await Evidence.open(file, { software: "1" })
  for (let batch = 0; batch < 20; batch++) {
    evidence.record(
      "a",
      Array.from({ length: 500 }, () => run()),
    )
    await evidence.flush()
  }
  expect(statSync(`${file}.wal`).size).toBeGreaterThan(2 ** 20)
  await evidence.giveBack()
  expect(existsSync(`${file}.wal`)).toBe(false)
  expect(await evidence.runs()).toMatchObject([{ agent: "a", n: 10_000 }])
  await evidence.close()
})

test.runIf(process.platform === "linux")(
  "where the disk takes no more, what can't be written is counted and told, what was stays and is read, and it goes on once there is room",
  async () => {
    const mostBytes = (bytes: number | "unlimited") =>
      execFileSync("prlimit", ["--pid", `${process.pid}`, `--fsize=${bytes}:unlimited`])
    const told: unknown[] = []
    const evidence = await Evidence.open(file, { software: "1", onError: (error) => told.push(error) })
    evidence.record("a", [run(), run()])
    await evidence.flush()
    try {
      mostBytes(Math.max(...[file, `${file}.wal`].map((name) => statSync(name).size)) + 4096)
      const many = Array.from({ length: 5000 }, (_, i) => run({ model: sha256(Uint8Array.of(i, i >> 8)) }))
      evidence.record("b", many)
      expect(await evidence.runs()).toMatchObject([{ agent: "a", n: 2 }])
      expect(evidence.dropped).toBe(5000)
      expect(String(told)).toContain("File too large")
    } finally {
      mostBytes("unlimited")
    }
    evidence.record("c", [run()])
    await evidence.close()
    const again = await Evidence.open(file, { software: "1" })
    expect(await again.runs()).toMatchObject([
      { agent: "a", n: 2 },
      { agent: "c", n: 1 },
    ])
    await again.close()
  },
)

test("each row says how its figure was obtained", async () => {
  const evidence = await Evidence.open(file, { software: "1" })
  evidence.record("a", [
    run({ kind: "open" }),
    run({ kind: "first" }),
    run(),
    run({ ok: false, error: "IPFA_RUN_FAILED" }),
    run({ kind: "benchmark" }),
  ])
  evidence.recordLost("a", run({ ok: false, error: "IPFA_DEVICE_LOST" }))
  await evidence.close()
  expect(evidence.record("a", [run()])).toBe(0)
  const instance = await DuckDBInstance.create(file)
  const connection = await instance.connect()
  const rows = await connection.runAndReadAll("SELECT kind, ok, provenance FROM runs")
  expect(rows.getRows()).toEqual([
    ["open", true, "agent"],
    ["first", true, "host"],
    ["run", true, "host"],
    ["run", false, "agent"],
    ["benchmark", true, "agent"],
    ["run", false, "bridge"],
  ])
  connection.closeSync()
  instance.closeSync()
})

test("benchmarks keep every sample in order", async () => {
  const evidence = await Evidence.open(file, { software: "1" })
  const device = {
    id: "wasm",
    backend: "wasm",
    adapter: "cpu",
    fallbackAdapter: false,
    dtypes: ["float32" as const],
    state: "ready" as const,
  }
  await evidence.benchmark("a", model, "SingleStream", {
    device,
    loadMs: 10,
    firstMs: 7,
    p50Ms: 5,
    n: 3,
    samplesMs: [9, 5, 4],
  })
  expect(await evidence.benchmarks({ model })).toMatchObject([
    { agent: "a", device: "wasm", samplesMs: [9, 5, 4], p50Ms: 5, n: 3 },
  ])
  expect(await evidence.benchmarks({ model: "none" })).toEqual([])
  await evidence.close()
})

test("a model's address is noted without its query, which may be somebody's key to it", async () => {
  const evidence = await Evidence.open(file, { software: "1" })
  await evidence.model("0".repeat(64), 1, "https://models.example/m.onnx?sig=secret#sha256=00")
  await evidence.close()
  const db = await (await DuckDBInstance.create(file)).connect()
  expect((await db.runAndReadAll("SELECT reference FROM models")).getRowObjectsJS()).toEqual([
    { reference: "https://models.example/m.onnx#sha256=00" },
  ])
})

test("agents and hardware are updated, not doubled", async () => {
  const evidence = await Evidence.open(file, { software: "1" })
  const device = {
    id: "wasm",
    backend: "wasm",
    adapter: "cpu",
    fallbackAdapter: false,
    dtypes: ["float32" as const, "int64" as const],
    state: "ready" as const,
  }
  const hardware = {
    devices: [device],
    absent: [{ id: "webnn", backend: "webnn", reason: "navigator.ml is not there" }],
  }
  const note = (version: string) => evidence.agent({ agent: "a", browser: "chromium", version }, hardware)
  await note("1")
  // What an update brought.
  Object.assign(device, { fallbackAdapter: true, threads: 4, dtypes: ["float32", "float16"] })
  await note("2")
  await evidence.close()
  const db = await (await DuckDBInstance.create(file)).connect()
  expect((await db.runAndReadAll("SELECT version FROM agents")).getRowObjectsJS()).toEqual([{ version: "2" }])
  const rows = await db.runAndReadAll("SELECT device, fallback_adapter, threads, dtypes FROM hardware")
  expect(rows.getRowObjectsJS()).toEqual([
    { device: "wasm", fallback_adapter: true, threads: 4, dtypes: ["float32", "float16"] },
  ])
  expect((await db.runAndReadAll("SELECT reason FROM absent_devices")).getRowObjectsJS()).toEqual([
    { reason: "navigator.ml is not there" },
  ])
  db.closeSync()
})

test("hardware that changes in what is not noted is written once a minute, what is noted at once", async () => {
  let now = 1000
  const evidence = await Evidence.open(file, { software: "1", now: () => now })
  const device = {
    id: "wasm",
    backend: "wasm",
    adapter: "cpu",
    fallbackAdapter: false,
    dtypes: ["float32" as const],
    state: "ready" as const,
  }
  const note = (at: number, agent: string, change: Partial<DeviceInfo>) => {
    now = at
    return evidence.agent(
      { agent, browser: "chromium", version: "1" },
      { devices: [{ ...device, ...change }], absent: [] },
    )
  }
  for (const agent of ["steady", "minute", "probed", "fallen"]) await note(1000, agent, {})
  await note(2000, "steady", { usedBytes: 7, state: "busy" })
  await note(61_000, "minute", { usedBytes: 7 })
  await note(2000, "probed", { probe: { ok: true, maxError: 0, ms: 1 } })
  await note(2000, "fallen", { fallbackAdapter: true })
  await evidence.close()
  const db = await (await DuckDBInstance.create(file)).connect()
  const seen = await db.runAndReadAll("SELECT agent, epoch_ms(last_seen)::INTEGER AS at FROM agents ORDER BY agent")
  expect(seen.getRowObjectsJS()).toEqual([
    { agent: "fallen", at: 2000 },
    { agent: "minute", at: 61_000 },
    { agent: "probed", at: 2000 },
    { agent: "steady", at: 1000 },
  ])
  db.closeSync()
})

test("old runs are rolled up by day once, and history ends after its time", async () => {
  let now = Date.UTC(2026, 0, 1, 12)
  const options = { software: "1", now: () => now, retention: { runDays: 2, historyDays: 10 } }
  let evidence = await Evidence.open(file, options)
  evidence.record(
    "a",
    [1, 2, 9].map((ms) => run({ ms, at: now })),
  )
  await evidence.close()
  const daily = async () => {
    const instance = await DuckDBInstance.create(file)
    const db = await instance.connect()
    const rows = (
      await db.runAndReadAll(
        "SELECT n::INTEGER AS n, p50_ms, (SELECT count(*)::INTEGER FROM runs) AS raw FROM runs_daily",
      )
    ).getRowObjectsJS()
    db.closeSync()
    instance.closeSync()
    return rows
  }
  now += 4 * DAY
  for (let i = 0; i < 2; i++) {
    evidence = await Evidence.open(file, options)
    await evidence.close()
  }
  expect(await daily()).toEqual([{ n: 3, p50_ms: 2, raw: 0 }])
  now += 11 * DAY
  evidence = await Evidence.open(file, options)
  await evidence.close()
  expect(await daily()).toEqual([])
})

test("what steady runs say counts those that are rolled up; their days' medians say how long they took where none is kept one by one", async () => {
  let now = Date.UTC(2026, 0, 1, 12)
  const options = { software: "1", now: () => now, retention: { runDays: 2, historyDays: 10 } }
  const opened = async (measured: Measurement[]) => {
    const evidence = await Evidence.open(file, options)
    evidence.record("a", measured)
    const runs = await evidence.runs({ device: "wasm" })
    await evidence.close()
    return runs.map(({ n, failed, p50Ms }) => ({ n, failed, p50Ms }))
  }
  const of = (...ms: number[]) => ms.map((ms) => run({ ms, at: now }))
  const failed = run({ ms: 700, at: now, ok: false, error: "IPFA_RUN_FAILED" })
  const first = run({ kind: "first", ms: 900, at: now })
  expect(await opened([...of(1, 2, 9), failed, first])).toEqual([{ n: 4, failed: 1, p50Ms: 2 }])
  now += DAY
  expect(await opened(of(4, 6, 8))).toEqual([{ n: 7, failed: 1, p50Ms: 5 }])
  now += 4 * DAY
  expect(await opened([])).toEqual([{ n: 7, failed: 1, p50Ms: 4 }])
  expect(await opened(of(50))).toEqual([{ n: 8, failed: 1, p50Ms: 50 }])
  now += 11 * DAY
  expect(await opened([])).toEqual([])
})

test("rows that were flushed survive a SIGKILL of the owner", async () => {
  const script = path.join(dir, "owner.mjs")
  const source = new URL("../../bridge-server/storage/index.ts", import.meta.url).href
  await writeFile(
    script,
    `import { Evidence } from ${JSON.stringify(source)}
     const e = await Evidence.open(${JSON.stringify(file)}, { software: "1" })
     e.record("a", Array.from({ length: 500 }, () => (${JSON.stringify(run())})))
     await e.flush(); process.stdout.write("flushed"); setInterval(() => {}, 1000)`,
  )
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] })
  await once(child.stdout, "data")
  // While it lives, nobody else can have the file.
  await expect(Evidence.open(file, { software: "1" })).rejects.toThrow(/lock/i)
  child.kill("SIGKILL")
  await once(child, "exit")
  const evidence = await Evidence.open(file, { software: "1" })
  expect(await evidence.runs()).toMatchObject([{ n: 500 }])
  await evidence.close()
})

test("a batch that is handed over again is stored once, also after a restart; the next one and the next life's are stored", async () => {
  let evidence = await Evidence.open(file, { software: "1" })
  const hand = (incarnation: number, number: number, agent = "a") =>
    evidence.record(agent, [run(), run()], { incarnation, number })
  expect([hand(7, 1), hand(7, 1), hand(7, 2), hand(7, 1), hand(7, 1, "b")]).toEqual([2, 0, 2, 0, 2])
  await evidence.close()
  evidence = await Evidence.open(file, { software: "1" })
  expect([hand(7, 2), hand(7, 3), hand(8, 1)]).toEqual([0, 2, 2])
  expect((await evidence.runs()).map(({ agent, n }) => [agent, n])).toEqual([
    ["a", 8],
    ["b", 2],
  ])
  await evidence.close()
})

test("what can't be written is told, with nothing of it in the database, and the next is written", async () => {
  const errors: unknown[] = []
  const evidence = await Evidence.open(file, { software: "1", flushMs: 1, onError: (error) => errors.push(error) })
  // What no agent can send.
  evidence.record("a", [run(), { ...run(), ms: "x" as never }])
  await vi.waitFor(() => expect(errors).toHaveLength(1), 2000)
  expect(evidence.dropped).toBe(2)
  evidence.record("a", [run()])
  expect(await evidence.runs()).toMatchObject([{ n: 1 }])
  await evidence.close()
})
