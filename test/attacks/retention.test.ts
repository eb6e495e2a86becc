import { spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { DuckDBInstance } from "@duckdb/node-api"
import { afterAll, beforeAll, expect, test } from "vitest"
import { raw } from "../support/bridge.ts"
import { launchExtension, type PageFault, pagesDir } from "../support/extension.ts"
import { serveFolder } from "../support/serve.ts"

/** S18: what callers gave us, and what lets anybody in, is in no log, database or storage at the default log level. */

const PROMPT = "the-secret-prompt-7f3a91"
const PIXEL = 13.371337
const NAME = "https://models.example.com/private.onnx"
const SIGNATURE = "signature-of-a-link-5d20c4"

let dir: string
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), "ipfa retention "))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** Every file below `folder`, by its path. */
function filesBelow(folder: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const file = path.join(folder, name)
    if (statSync(file, { throwIfNoEntry: false })?.isFile()) files.set(name, readFileSync(file))
  }
  return files
}

/** Names of the files that hold `secret`, as text in either encoding or as the bytes it is. */
function holding(files: ReadonlyMap<string, Buffer>, secret: string | Buffer): string[] {
  const forms = typeof secret === "string" ? [Buffer.from(secret), Buffer.from(secret, "utf16le")] : [secret]
  return [...files].filter(([, bytes]) => forms.some((form) => bytes.includes(form))).map(([name]) => name)
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

test("prompts, tensors, tokens and codes leave no trace in logs, databases and storage", async () => {
  const dataDir = path.join(dir, "data")
  const profileDir = path.join(dir, "profile")
  const main = path.resolve(import.meta.dirname, "../../bridge-server/cli/main.ts")
  const bridge = spawn(process.execPath, [main, "serve", "--data", dataDir, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
  })
  const exited = new Promise((resolve) => bridge.once("exit", resolve))
  let said = ""
  bridge.stderr.on("data", (chunk) => (said += chunk))
  const { http, tokenFile } = await new Promise<{ http: string; tokenFile: string }>((resolve, reject) => {
    bridge.stdout.once("data", (line) => resolve(JSON.parse(String(line))))
    void exited.then(() => reject(new Error(said)))
  })
  const token = readFileSync(tokenFile, "utf8").trim()
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
  const ask = (where: string, body: unknown, more = {}) =>
    raw(http, "POST", where, JSON.stringify(body), { ...headers, ...more })
  const image = Array.from({ length: 64 }, () => PIXEL)

  // A browser of its fleet, whose page computes with the same values, says the same words, and makes each kind of mistake.
  const { code } = (await ask("/v1/pairing", {})).json
  const site = await serveFolder(pagesDir, { mounts: { "/models/": "models/digits" } })
  const browser = await launchExtension({ profileDir })
  const options = await browser.openOwn("options.html")
  await options.getByTestId("bridge-address").fill(new URL(http).host)
  await options.getByTestId("bridge-code").fill(code)
  await options.getByTestId("pair-bridge").click()
  await options.getByTestId("bridge-state").and(options.locator("[data-state=connected]")).waitFor()
  const agentToken = await options.evaluate(async () => {
    const opened = indexedDB.open("ipfs-accelerate-settings")
    await new Promise((done) => opened.addEventListener("success", done))
    const asked = opened.result.transaction("settings").objectStore("settings").get("bridge")
    await new Promise((done) => asked.addEventListener("success", done))
    return (asked.result as { token: string }).token
  })
  const page = await browser.context.newPage()
  await page.goto(site.url)
  await browser.enable(page, "always", { reason: PROMPT })
  const codes = await page.evaluate(
    async ({ PIXEL, PROMPT }) => {
      const session = await window.ipfsAccelerate.load("/models/digits.onnx")
      const image = { dtype: "float32", shape: [1, 1, 8, 8], data: new Float32Array(64).fill(PIXEL) }
      const text = { dtype: "string", shape: [1], data: [PROMPT] }
      const attempts = [
        session.run({ image }, { key: PROMPT }),
        session.run({ image: text }),
        session.run({ [PROMPT]: image }),
        session.run({ image }, { outputs: [PROMPT] }),
      ]
      return Promise.all(
        attempts.map((work) =>
          work.then(
            () => "done",
            (e: PageFault) => e.code,
          ),
        ),
      )
    },
    { PIXEL, PROMPT },
  )
  expect(codes[0]).toBe("done")
  expect(codes.slice(1)).not.toContain("done")

  // The same at the bridge: on the browser, on its own process, wrongly, and under a process that crashes.
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
  expect((await infer("wasm", {}, "a")).status).toBe(200)
  expect((await infer("native-cpu", {}, "b")).status).toBe(200)
  const wrong = { inputs: [{ name: PROMPT, shape: [1], datatype: "BYTES", data: [PROMPT] }] }
  expect((await infer("native-cpu", wrong, "c")).status).toBe(400)
  expect((await ask(`/v2/models/${encodeURIComponent(`${NAME}?sig=${SIGNATURE}`)}/infer`, wrong)).status).not.toBe(200)
  expect((await raw(http, "GET", "/v1/status", undefined, { authorization: `Bearer ${PROMPT}` })).status).toBe(401)
  const agents = await raw(http, "GET", "/v1/devices", undefined, headers)
  const agent = agents.json.devices.find(({ browser }: { browser: string }) => browser === "chromium").agent as string

  await browser.close()
  await site.close()
  bridge.kill("SIGTERM")
  await exited

  const database = await databaseText(path.join(dataDir, "evidence.duckdb"))
  const profile = filesBelow(profileDir)
  const places = new Map([...profile, ["the log", Buffer.from(said)], ["the database", Buffer.from(database)]])
  for (const [name, bytes] of filesBelow(dataDir)) if (!name.startsWith("models")) places.set(`data/${name}`, bytes)
  const pixels = Buffer.from(Float32Array.of(PIXEL, PIXEL).buffer)
  for (const secret of [PROMPT, pixels, String(PIXEL), SIGNATURE, code])
    expect([secret, holding(places, secret)]).toEqual([secret, []])
  // Each token is in the one place that needs it.
  expect(holding(places, token)).toEqual(["data/token"])
  const holders = holding(places, agentToken)
  expect(holders.length).toBeGreaterThan(0)
  for (const name of holders) expect(name).toMatch(/IndexedDB[/\\]chrome-extension_/)
  // The search does find what is there: the agent's name is in each of these.
  expect(holding(places, agent)).toEqual(expect.arrayContaining(["the log", "the database", "data/agents.json"]))
  expect(holding(profile, agent).length).toBeGreaterThan(0)
  expect(database).toContain("native-cpu")
}, 180_000)
