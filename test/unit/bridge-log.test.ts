import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { createLog, LogFile, logLevels } from "../../bridge-server/log.ts"
import { fail } from "../../protocol/index.ts"
import { testBridge } from "../support/bridge.ts"

let dir: string
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "ipfa log "))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** A log into the file alone: stderr is the test's. */
const linesOf = (file: string) =>
  readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))

test("the file is bounded in size and in number, its latest lines are in bridge.log, and nobody else may read it", async () => {
  const data = path.join(dir, "data")
  const folder = path.join(data, "logs")
  const file = new LogFile(folder, { kib: 4, older: 2 })
  const line = (i: number) => `${JSON.stringify({ i, filling: "x".repeat(80) })}\n`
  for (let i = 0; i < 400; i++) {
    file.write(line(i))
    // As it comes in life: not all in one turn.
    if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await file.close()
  expect(readdirSync(folder).sort()).toEqual(["bridge.log", "bridge.log.1", "bridge.log.2"])
  const kept = ["bridge.log.2", "bridge.log.1", "bridge.log"].flatMap((name) => linesOf(path.join(folder, name)))
  expect(kept.map(({ i }) => i)).toEqual(Array.from({ length: kept.length }, (_, k) => 400 - kept.length + k))
  const files = readdirSync(folder).map((name) => path.join(folder, name))
  for (const file of files) expect(statSync(file).size).toBeLessThan(2 * 4096)
  if (process.platform === "win32") return
  for (const name of [data, folder, ...files]) expect(statSync(name).mode & 0o077).toBe(0)
})

test("it is made at its first line, goes on where an earlier life ended, and closing it unused makes nothing", async () => {
  const folder = path.join(dir, "logs")
  const unused = new LogFile(folder)
  await unused.close()
  expect(readdirSync(dir)).toEqual([])
  for (const life of [1, 2]) {
    const file = new LogFile(folder)
    file.write(`${JSON.stringify({ life })}\n`)
    await file.close()
  }
  expect(linesOf(new LogFile(folder).path)).toEqual([{ life: 1 }, { life: 2 }])
})

test("where its folder can't be made, what is written is lost and closing it does not hang", async () => {
  writeFileSync(path.join(dir, "taken"), "")
  const file = new LogFile(path.join(dir, "taken", "logs"))
  file.write("{}\n")
  await file.close()
  expect(readdirSync(dir)).toEqual(["taken"])
})

test.each(logLevels)("at level %s it has what is as urgent, and hides what is secret", async (level) => {
  const file = new LogFile(dir)
  const log = createLog(level, file)
  const urgency = ["trace", "debug", "info", "warn", "error", "fatal"] as const
  for (const name of urgency) log[name]({ said: name, token: "secret", peer: { token: "secret" } }, "test of the log")
  await file.close()
  const expected = level === "silent" ? [] : urgency.slice(urgency.indexOf(level))
  const lines = expected.length === 0 ? [] : linesOf(file.path)
  expect(lines.map(({ said }) => said)).toEqual(expected)
  expect(JSON.stringify(lines)).not.toContain("secret")
})

const FED = 133_713_371

test.each(logLevels)(
  "at level %s, of an error it has the kind; what that says itself is for debug alone",
  async (level) => {
    const file = new LogFile(dir)
    const log = createLog(level, file)
    // Also in a line that looks like a place in the code.
    const message = `indices element out of data bounds, idx=${FED}\n    at idx (${FED}:1:1)`
    const foreign = Object.assign(new RangeError(message), { code: "ENOSPC" })
    const errors = [fail("IPFA_RUN_FAILED", { message, data: { reason: message }, cause: foreign }), foreign, message]
    for (const err of errors) log.warn({ err }, "request failed")
    await file.close()
    if (["silent", "fatal", "error"].includes(level)) return expect(readdirSync(dir)).toEqual([])
    const said = linesOf(file.path).map(({ err }) => err)
    const isWhole = level === "debug" || level === "trace"
    expect(said.map((err) => JSON.stringify(err).includes(String(FED)))).toEqual([isWhole, isWhole, isWhole])
    if (isWhole) return expect(said[0].stack).toContain("bridge-log.test.ts")
    const sentence = "The runtime failed while it ran the model. Check what it was fed, or try another device."
    expect(said).toEqual([
      { code: "IPFA_RUN_FAILED", message: sentence },
      { name: "RangeError", code: "ENOSPC", stack: expect.stringMatching(/^at .*bridge-log\.test\.ts/) },
      { name: "string" },
    ])
  },
)

test("a model that can't be fetched is logged with the route, and not with where it was to come from", async () => {
  const file = new LogFile(dir)
  const t = await testBridge({ native: false, allowLoopbackModels: true, log: createLog("info", file) })
  try {
    // Where nobody listens.
    const reference = "http://localhost:1/a.onnx"
    const answer = await t.http("GET", `/v2/models/${encodeURIComponent(reference)}`)
    // Whoever asked is told.
    expect([answer.code, answer.json.error]).toEqual(["IPFA_MODEL_FETCH", expect.stringContaining("localhost:1")])
  } finally {
    await t.close()
  }
  await file.close()
  const failed = linesOf(file.path).filter(({ msg }) => msg === "request failed")
  expect(failed).toMatchObject([{ err: { code: "IPFA_MODEL_FETCH" }, route: "/v2/models/:model" }])
  expect(readFileSync(file.path, "utf8")).not.toContain("localhost:1")
})

test("a level that there is not is refused in words", () => {
  expect(() => createLog("loud")).toThrow(
    expect.objectContaining({ code: "IPFA_INPUT_INVALID", message: expect.stringContaining("silent, fatal, error") }),
  )
})
