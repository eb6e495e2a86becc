import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { DuckDBInstance } from "@duckdb/node-api"
import { afterEach, beforeEach, expect, test } from "vitest"
import { Evidence } from "../../bridge-server/storage/index.ts"
import { beforeMigrating, migrate, migrations } from "../../bridge-server/storage/migrations.ts"
import { refusal } from "../support/pool.ts"
import { previousVersion } from "../support/previous/index.ts"

let dir: string
let file: string
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "ipfa migrations "))
  file = path.join(dir, "evidence.duckdb")
  await written()
})
afterEach(() => rm(dir, { recursive: true, force: true }))

/** A file as the previous version left it. */
async function written(): Promise<void> {
  const { Evidence } = await previousVersion()
  const evidence = await Evidence.open(file, { software: "previous" })
  const run = {
    kind: "run",
    device: "wasm",
    backend: "wasm",
    adapter: "cpu",
    model: "ab".repeat(32),
    ok: true,
  } as const
  evidence.record("a", [
    { ...run, at: Date.now(), ms: 4 },
    { ...run, at: Date.now(), ms: 6 },
  ])
  await evidence.close()
}

/** The next version's. */
const next = [...migrations, "ALTER TABLE runs ADD COLUMN energy_mj DOUBLE; UPDATE runs SET energy_mj = 1"]

async function sql(at: string, text: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(at)
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(text)).getRowObjectsJS()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

async function migrateTo(steps: readonly string[]): Promise<void> {
  await beforeMigrating(file, steps)
  const instance = await DuckDBInstance.create(file)
  const connection = await instance.connect()
  try {
    await migrate(connection, "next", steps)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

test("a file of the previous version is opened with all it held", async () => {
  const evidence = await Evidence.open(file, { software: "this" })
  expect(await evidence.runs({ agent: "a" })).toMatchObject([{ n: 2, p50Ms: 5 }])
  await evidence.close()
})

test("what is to be migrated is copied first, and the copy is what it was", async () => {
  const [previous] = await sql(file, "SELECT max(version)::INTEGER AS version FROM schema_history")
  await migrateTo(next)
  expect(await sql(file, "SELECT ms, energy_mj FROM runs ORDER BY ms")).toEqual([
    { ms: 4, energy_mj: 1 },
    { ms: 6, energy_mj: 1 },
  ])
  const backup = `${file}.v${previous?.version}`
  expect(await sql(backup, "SELECT ms FROM runs ORDER BY ms")).toEqual([{ ms: 4 }, { ms: 6 }])
  // What is up to date is not copied again.
  await rm(backup)
  await migrateTo(next)
  expect(existsSync(backup)).toBe(false)
})

test("a migration that is killed in the middle left nothing behind, and the next start goes through", async () => {
  const middle = path.join(dir, "the middle")
  const slow = `${next.at(-1)}; COPY (SELECT 1) TO '${middle}'; CREATE TABLE ballast AS SELECT * FROM range(4000000000)`
  const at = (name: string) => JSON.stringify(new URL(name, import.meta.url).href)
  const program = `
    import { DuckDBInstance } from "@duckdb/node-api"
    import { beforeMigrating, migrate, migrations } from ${at("../../bridge-server/storage/migrations.ts")}
    const [file, slow] = process.argv.slice(-2)
    await beforeMigrating(file, [...migrations, slow])
    const connection = await (await DuckDBInstance.create(file)).connect()
    await migrate(connection, "next", [...migrations, slow])`
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, file, slow], {
    cwd: path.resolve(import.meta.dirname, "../.."),
    stdio: ["ignore", "ignore", "inherit"],
  })
  const exited = once(child, "exit")
  await expect.poll(() => existsSync(middle)).toBe(true)
  child.kill("SIGKILL")
  await exited
  const evidence = await Evidence.open(file, { software: "this" })
  expect(await evidence.runs({ agent: "a" })).toMatchObject([{ n: 2, p50Ms: 5 }])
  await evidence.close()
  await migrateTo(next)
  expect(await sql(file, "SELECT sum(energy_mj)::INTEGER AS sum FROM runs")).toEqual([{ sum: 2 }])
})

test("a step that fails is undone, and says why", async () => {
  await expect(migrateTo([...migrations, `${next.at(-1)}; SELECT nonsense`])).rejects.toThrow("nonsense")
  await migrateTo(next)
  expect(await sql(file, "SELECT count(*)::INTEGER AS n FROM runs WHERE energy_mj = 1")).toEqual([{ n: 2 }])
})

test("a file of a newer version is refused with that code, and not a byte of it is changed", async () => {
  await migrateTo(next)
  const before = readFileSync(file)
  expect(await refusal(Evidence.open(file, { software: "this" }))).toBe("IPFA_STORE_NEWER")
  expect(readFileSync(file).equals(before)).toBe(true)
  expect(existsSync(`${file}.wal`)).toBe(false)
})
