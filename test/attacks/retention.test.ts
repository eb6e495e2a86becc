import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { DuckDBInstance } from "@duckdb/node-api"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { Tensor } from "../../protocol/index.ts"
import { pairFirefox } from "../../scripts/start/firefox.ts"
import { connect } from "../../sdk/connect.ts"
import { bridgeProcess, dial, raw } from "../support/bridge.ts"
import { digits, digitsModel, distance, nativeLogits } from "../support/digits.ts"
import { launchExtension, type PageFault, pagesDir } from "../support/extension.ts"
import { launchFirefox, noFirefox } from "../support/firefox.ts"
import { kept } from "../support/kept.ts"
import { processTree } from "../support/processes.ts"
import { serveFolder } from "../support/serve.ts"
import { tensorType, tinyBytes } from "./onnx-build.ts"

/** S18: what callers gave us, what they got, and what lets anybody in, is in no log, database or storage at the default log level. */

const PROMPT = "the-secret-prompt-7f3a91"
const PIXEL = 13.371337
const HOST = "models.example.com"
const NAME = `https://${HOST}/private.onnx`
const SIGNATURE = "signature-of-a-link-5d20c4"
/** A token's id, where it is too large for the model's table: ONNX Runtime's error quotes it. */
const TOKEN_ID = 1_337_133_713
/** Of one run that somebody has time to kill. */
const IMAGES = 20_000

const image = Array.from({ length: 64 }, () => PIXEL)
const many = (n: number): Tensor<"float32"> => ({
  dtype: "float32",
  shape: [n, 1, 8, 8],
  data: new Float32Array(n * 64).fill(PIXEL),
})

/** ids int64 [n] → Gather of a table of four → y. */
function tableModel(): Uint8Array {
  return tinyBytes({
    node: [{ opType: "Gather", input: ["table", "ids"], output: ["y"], name: "gather" }],
    initializer: [{ name: "table", dims: [4n], dataType: 1, rawData: new Uint8Array(16) }],
    input: [{ name: "ids", type: tensorType(["n"], 7) }],
    output: [{ name: "y", type: tensorType(["n"]) }],
  })
}

type Evaluate = <A, R>(run: (argument: A) => R | Promise<R>, argument: A) => Promise<R>

/** What is done alike in both browsers. */
interface Searched {
  /** Becomes an agent of that bridge-server; the token that it was given. */
  pair(ws: string, code: string): Promise<string>
  /** A page of that address, which was granted all it asks for. */
  granted(url: string): Promise<Evaluate>
  /** Ends what computes, with the document it belongs to. */
  killPool(): Promise<void>
  kept(): ReturnType<typeof kept>
  close(): Promise<void>
}

/** Runs in a page of the extension. */
async function ownToken(): Promise<string> {
  const opened = indexedDB.open("ipfs-accelerate-settings")
  await new Promise((done) => opened.addEventListener("success", done))
  const asked = opened.result.transaction("settings").objectStore("settings").get("bridge")
  await new Promise((done) => asked.addEventListener("success", done))
  return (asked.result as { token: string }).token
}

async function inChromium(profileDir: string): Promise<Searched> {
  const browser = await launchExtension({ profileDir })
  const options = await browser.openOwn("options.html")
  return {
    async pair(ws, code) {
      await options.getByTestId("bridge-address").fill(new URL(ws).host)
      await options.getByTestId("bridge-code").fill(code)
      await options.getByTestId("pair-bridge").click()
      await options.getByTestId("bridge-state").and(options.locator("[data-state=connected]")).waitFor()
      return options.evaluate(ownToken)
    },
    async granted(url) {
      const page = await browser.context.newPage()
      await page.goto(url)
      expect(await browser.enable(page, "always", { reason: PROMPT })).toMatchObject({ lifetime: "always" })
      return page.evaluate.bind(page) as Evaluate
    },
    killPool: async () => browser.devtools.close((await browser.devtools.target("offscreen.html")) as string),
    kept: () => options.evaluate(kept),
    close: () => browser.close(),
  }
}

async function inFirefox(profileDir: string): Promise<Searched> {
  const firefox = await launchFirefox({ profileDir })
  return {
    async pair(ws, code) {
      await pairFirefox(firefox.options, ws, code)
      return firefox.options.evaluate(ownToken)
    },
    async granted(url) {
      const page = await firefox.browser.newPage()
      await page.goto(url)
      expect(await firefox.enable(page, "always", { reason: PROMPT })).toMatchObject({ lifetime: "always" })
      return page.evaluate.bind(page) as Evaluate
    },
    killPool: async () => firefox.killExtensionProcess(),
    kept: () => firefox.options.evaluate(kept),
    close: () => firefox.close(),
  }
}

/** Every file below `folder`, by its path. */
function filesBelow(folder: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const file = path.join(folder, name)
    if (statSync(file, { throwIfNoEntry: false })?.isFile()) files.set(name, readFileSync(file))
  }
  return files
}

/** Names of the places that hold `secret`, as text in either encoding or as the bytes it is. */
function holding(places: ReadonlyMap<string, Buffer>, secret: string | Buffer): string[] {
  const forms = typeof secret === "string" ? [Buffer.from(secret), Buffer.from(secret, "utf16le")] : [secret]
  return [...places].filter(([, bytes]) => forms.some((form) => bytes.includes(form))).map(([name]) => name)
}

/** Every row of every table, as text: the file itself is compressed. */
async function databaseText(file: string): Promise<string> {
  const connection = await (await DuckDBInstance.create(file, { access_mode: "READ_ONLY" })).connect()
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowObjectsJson()
  let text = ""
  for (const { table_name } of await rows("SELECT table_name FROM information_schema.tables"))
    text += JSON.stringify(await rows(`SELECT * FROM "${table_name}"`))
  connection.closeSync()
  return text
}

/** Two numbers as they stand in a tensor, and as they are written, to seven digits. */
const traces = (numbers: ArrayLike<number>): (Buffer | string)[] => {
  const two = Float32Array.from(numbers).slice(0, 2)
  return [Buffer.from(two.buffer), ...Array.from(two, (x) => String(x).slice(0, 9))]
}

/** Runs in the page: the answer to the secret, and how each kind of mistake ends. */
async function makeMistakes({ image, PROMPT }: { image: number[]; PROMPT: string }) {
  const session = await window.ipfsAccelerate.load("/models/digits.onnx", { device: "wasm" })
  const right = { dtype: "float32", shape: [1, 1, 8, 8], data: Float32Array.from(image) }
  const text = { dtype: "string", shape: [1], data: [PROMPT] }
  const { outputs } = await session.run({ image: right }, { key: PROMPT })
  const mistakes = [
    session.run({ image: text }),
    session.run({ [PROMPT]: right }),
    session.run({ image: right }, { outputs: [PROMPT] }),
  ]
  const code = (work: Promise<unknown>) =>
    work.then(
      () => "done",
      (e: PageFault) => e.code,
    )
  return { logits: [...outputs.logits.data] as number[], codes: await Promise.all(mistakes.map(code)) }
}

interface Work {
  ended(): number
  all: Promise<number[][]>
}

/** Runs in the page: many runs of the secret at once, of which some have ended when it resolves. */
async function startMany({ image, n, runs }: { image: number[]; n: number; runs: number }): Promise<void> {
  const session = await window.ipfsAccelerate.load("/models/digits.onnx", { device: "wasm" })
  const data = new Float32Array(n * 64).fill(image[0] as number)
  const { promise: some, resolve } = Promise.withResolvers<void>()
  let ended = 0
  const one = async () => {
    const { outputs } = await session.run({ image: { dtype: "float32", shape: [n, 1, 8, 8], data } })
    if (++ended === 3) resolve()
    return [...outputs.logits.data.slice(-10)] as number[]
  }
  const work: Work = { ended: () => ended, all: Promise.all(Array.from({ length: runs }, one)) }
  Object.assign(window, { work })
  await some
}

let dir: string
const stops: (() => unknown)[] = []
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "ipfa retention "))
})
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
})

describe.each([
  ["Chromium", inChromium, /IndexedDB[/\\]chrome-extension_/, /File System[/\\]/, ""],
  ["Firefox", inFirefox, /moz-extension.*idb[/\\]/, /moz-extension.*fs[/\\]/, noFirefox],
] as const)("with %s", (_name, launch, indexedDbFile, opfsFile, absent) => {
  test.skipIf(absent)(
    `S18: prompts, tensors, answers, tokens and codes leave no trace in logs, databases and storage, also where what computes them is killed${absent}`,
    async () => {
      const dataDir = path.join(dir, "data")
      const profileDir = path.join(dir, "profile")
      const expected = await nativeLogits([image])
      const expectRight = (logits: ArrayLike<number>) =>
        expect(distance(logits, expected)).toBeLessThan(digits.tolerance)
      const bridges = [await bridgeProcess(dataDir)]
      stops.push(() => bridges.forEach(({ child }) => void child.kill("SIGKILL")))
      const { http, ws, tokenFile } = bridges[0]!
      const token = readFileSync(tokenFile, "utf8").trim()
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
      const ask = (where: string, body: unknown, more = {}) =>
        raw(http, "POST", where, JSON.stringify(body), { ...headers, ...more })
      const codeFor = async (use: "agent" | "dashboard") => (await ask("/v1/pairing", { for: use })).json.code as string
      const codes = [await codeFor("agent"), await codeFor("dashboard")] as [string, string]

      // A browser of its fleet, whose page computes with the same values, says the same words, and makes each kind of mistake.
      const site = await serveFolder(pagesDir, { mounts: { "/models/": "models/digits" } })
      stops.push(() => site.close())
      let browser = await launch(profileDir)
      stops.push(() => browser.close())
      const agentToken = await browser.pair(ws, codes[0])
      const evaluate = await browser.granted(site.url)
      const mistakes = await evaluate(makeMistakes, { image, PROMPT })
      expectRight(mistakes.logits)
      expect(mistakes.codes).toHaveLength(3)
      expect(mistakes.codes).not.toContain("done")

      // A dashboard, with a token of its own.
      const pairing = await dial(`${ws}/agent`, { origin: http })
      const paired = await pairing.call("agent.pair", { code: codes[1], agent: "dashboard-0", as: "dashboard" })
      pairing.close()
      const protocols = ["ipfa.v1", `ipfa.token.${paired.token}`]
      const dashboard = await dial(`${ws}/client`, { origin: http, protocols })
      codes.push((await dashboard.call("dashboard.invite", {})).code)
      dashboard.close()
      await expect(dial(`${ws}/client`, { origin: "https://evil.example", protocols })).rejects.toThrow("refused: 403")

      // The same at the bridge: on the browser, on its own process, and wrongly.
      const infer = (device: string, more: object = {}, key = "k") =>
        ask(
          "/v2/models/digits/infer",
          {
            inputs: [{ name: "image", shape: [1, 1, 8, 8], datatype: "FP32", data: image }],
            parameters: { device },
            ...more,
          },
          { "idempotency-key": `${PROMPT}-${key}` },
        )
      const [onBrowser, onNative] = [await infer("wasm", {}, "a"), await infer("native-cpu", {}, "b")]
      for (const { json } of [onBrowser, onNative]) expectRight(json.outputs[0].data)
      const wrong = { inputs: [{ name: PROMPT, shape: [1], datatype: "BYTES", data: [PROMPT] }] }
      expect((await infer("native-cpu", wrong, "c")).status).toBe(400)
      const named = `/v2/models/${encodeURIComponent(`${NAME}?sig=${SIGNATURE}`)}/infer`
      expect((await ask(named, wrong)).status).not.toBe(200)
      for (const bad of [PROMPT, agentToken])
        expect((await raw(http, "GET", "/v1/status", undefined, { authorization: `Bearer ${bad}` })).status).toBe(401)
      const { devices } = (await raw(http, "GET", "/v1/devices", undefined, headers)).json
      const agent = devices.find(({ browser }: { browser: string }) => browser !== "native").agent as string

      // What computes for the page is killed under it.
      const runs = 64
      await evaluate(startMany, { image, n: 800, runs })
      await browser.killPool()
      expect(await evaluate(() => (window as unknown as { work: Work }).work.ended(), undefined)).toBeLessThan(runs)
      const answers = await evaluate(() => (window as unknown as { work: Work }).work.all, undefined)
      for (const logits of answers) expectRight(logits)

      // So is the bridge's own process, and then the bridge-server itself.
      await using caller = await connect({ url: ws, token })
      const session = await caller.load(digitsModel, { device: "native-cpu" })
      const running = async (jobs: number) =>
        expect
          .poll(async () => (await raw(http, "GET", "/v1/status", undefined, headers)).json.jobs.running, {
            interval: 5,
          })
          .toBe(jobs)
      const killed = async (kill: () => unknown) => {
        const answer = session.run({ image: many(IMAGES) })
        await running(1)
        await kill()
        const { outputs, reruns } = await answer
        expectRight((outputs.logits!.data as Float32Array).slice(-10))
        return reruns
      }
      const bridgePid = bridges[0]!.child.pid as number
      const children = processTree(bridgePid).slice(1)
      expect(children.length).toBeGreaterThan(0)
      expect(await killed(() => children.forEach((pid) => void process.kill(pid, "SIGKILL")))).toBe(1)
      const crashed = new Map<string, Buffer>()
      await killed(async () => {
        bridges[0]!.child.kill("SIGKILL")
        await bridges[0]!.exited
        for (const [name, bytes] of filesBelow(dataDir)) crashed.set(`crashed/${name}`, bytes)
        bridges.push(await bridgeProcess(dataDir, "--port", new URL(http).port))
      })
      await caller.close()

      await browser.close()
      bridges[1]!.child.kill("SIGTERM")
      await bridges[1]!.exited
      const database = await databaseText(path.join(dataDir, "evidence.duckdb"))
      browser = await launch(profileDir)
      const { rows, caches, settings } = await browser.kept()
      await browser.close()

      const profile = filesBelow(profileDir)
      const places = new Map([...profile, ...crashed, ["the database", Buffer.from(database)]])
      for (const [i, bridge] of bridges.entries()) places.set(`log ${i}`, Buffer.from(bridge.said()))
      for (const [name, bytes] of filesBelow(dataDir)) if (!name.startsWith("models")) places.set(`data/${name}`, bytes)
      for (const [i, row] of rows.entries()) places.set(`row ${i} of ${row.split(" ", 1)}`, Buffer.from(row))
      places.set("the settings", Buffer.from(JSON.stringify(settings)))
      expect(caches).toEqual([])
      const computed = [mistakes.logits, answers[0]!, onBrowser.json.outputs[0].data, onNative.json.outputs[0].data]
      const secrets = [PROMPT, SIGNATURE, HOST, ...codes, paired.token, ...[image, ...computed].flatMap(traces)]
      const leaks = secrets.map((secret) => [secret, holding(places, secret)] as const)
      expect(leaks.filter(([, names]) => names.length > 0)).toEqual([])
      // Each token is in the one place that needs it; a dashboard's is kept by whoever was given it.
      expect(holding(places, token).sort()).toEqual(["crashed/token", "data/token"])
      const holders = holding(places, agentToken)
      expect(holders.filter((name) => name.startsWith("row "))).toHaveLength(1)
      for (const name of holders)
        expect(name).toMatch(name.startsWith("row ") ? /of ipfs-accelerate-settings$/ : indexedDbFile)
      // The search does find what is there: the agent's name is in each of these, and the model's bytes are in its file.
      const somewhere = ["log 0", "the database", "data/agents.json", "crashed/agents.json"]
      expect(holding(places, agent)).toEqual(expect.arrayContaining(somewhere))
      const models = holding(profile, Buffer.from(digitsModel.subarray(-256)))
      expect(models.filter((name) => opfsFile.test(name)).length).toBeGreaterThan(0)
      expect(database).toContain("native-cpu")
    },
    180_000,
  )
})

test("S18: runs that fail, and a model that can't be fetched, leave in the log neither what was fed nor an address, also where the process that ran them is killed", async () => {
  const dataDir = path.join(dir, "data")
  const file = path.join(dir, "table.onnx")
  writeFileSync(file, tableModel())
  const { http, ws, child, exited, said, tokenFile } = await bridgeProcess(dataDir, "--model", `table=file:${file}`)
  const token = readFileSync(tokenFile, "utf8").trim()
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
  const told = { code: "IPFA_RUN_FAILED", message: expect.stringContaining(String(TOKEN_ID)) }

  const infer = (model: string) =>
    raw(
      http,
      "POST",
      `/v2/models/${encodeURIComponent(model)}/infer`,
      JSON.stringify({ inputs: [{ name: "ids", shape: [1], datatype: "INT64", data: [TOKEN_ID] }] }),
      headers,
    )
  const { status, json } = await infer("table")
  expect([status, { code: json.code, message: json.error }]).toEqual([500, told])
  const absent = await infer(NAME)
  expect([absent.status, absent.code, absent.json.error]).toEqual([
    502,
    "IPFA_MODEL_FETCH",
    expect.stringContaining(HOST),
  ])

  await using caller = await connect({ url: ws, token })
  const session = await caller.load(tableModel(), { device: "native-cpu" })
  const ids = { dtype: "int64", shape: [1], data: BigInt64Array.of(BigInt(TOKEN_ID)) } as const
  await expect(session.run({ ids })).rejects.toMatchObject(told)

  // What it printed until then is in its end's line no more than elsewhere.
  for (const pid of processTree(child.pid as number).slice(1)) process.kill(pid, "SIGKILL")
  const log = path.join(dataDir, "logs", "bridge.log")
  await expect.poll(() => readFileSync(log, "utf8"), { timeout: 20_000 }).toContain("native process ended")
  await caller.close()
  child.kill("SIGTERM")
  await exited

  const places = new Map<string, Buffer>([["stderr", Buffer.from(said())]])
  for (const [name, bytes] of filesBelow(path.join(dataDir, "logs"))) places.set(name, bytes)
  expect([TOKEN_ID, HOST].map((secret) => holding(places, String(secret)))).toEqual([[], []])
  const failed = readFileSync(log, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => msg === "request failed")
  expect(failed.map(({ err, route }) => [err.code, route])).toEqual(
    ["IPFA_RUN_FAILED", "IPFA_MODEL_FETCH"].map((code) => [code, "/v2/models/:model/infer"]),
  )
}, 60_000)
