import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { Bridge } from "../../bridge-server/server.ts"
import { Evidence } from "../../bridge-server/storage/index.ts"
import { connect } from "../../sdk/connect.ts"
import { cases } from "../conformance/cases.ts"
import type { Drive, Driven } from "../conformance/drive.ts"
import { expectRight } from "../conformance/judge.ts"
import { reference } from "../conformance/reference.ts"
import { bridgeProcess, fleetWill, raw, type TestBridge, testBridge } from "../support/bridge.ts"
import { digits, digitsModel, distance, nativeLogits } from "../support/digits.ts"
import { type ExtensionBrowser, launchExtension } from "../support/extension.ts"

const images = digits.samples.map(({ image }) => image)
const agents = (bridge: Bridge) => bridge.fleet.members.filter(({ gone }) => !gone)

describe("a browser in a bridge-server's fleet", () => {
  let profileDir: string
  let dataDir: string
  let browser: ExtensionBrowser
  let served: TestBridge
  let evidence: Evidence
  let options: Page
  beforeAll(async () => {
    profileDir = await mkdtemp(join(tmpdir(), "ipfa profile "))
    dataDir = await mkdtemp(join(tmpdir(), "ipfa bridge "))
    served = await testBridge({
      dataDir,
      native: false,
      evidence: async (file) => {
        evidence = await Evidence.open(file, { software: "test", flushMs: 10 })
        return evidence
      },
    })
    browser = await launchExtension({ profileDir })
    options = await browser.openOwn("options.html")
  })
  afterAll(async () => {
    await browser?.close()
    await served?.close()
    for (const dir of [profileDir, dataDir]) if (dir) await rm(dir, { recursive: true, force: true })
  })
  const host = () => new URL(served.bridge.http).host
  const state = () => options.getByTestId("bridge-state")
  const pair = async (address: string, code: string) => {
    await options.getByTestId("bridge-address").fill(address)
    await options.getByTestId("bridge-code").fill(code)
    await options.getByTestId("pair-bridge").click()
  }
  const connected = () => state().and(options.locator("[data-state=connected]")).waitFor()
  /** What a Node program computes with the fleet: everything on the browser's wasm device. */
  const compute = async () => {
    await using bridge = await connect({ url: served.bridge.ws, token: served.bridge.token })
    const session = await bridge.load(digitsModel, { agent: "chromium", device: "wasm" })
    const image = { dtype: "float32", shape: [images.length, 1, 8, 8], data: Float32Array.from(images.flat()) } as const
    const { outputs, device, agent } = await session.run({ image })
    return { logits: outputs.logits?.data as Float32Array, device, agent }
  }

  test("a wrong code and an address where nobody is are told to the person", async () => {
    await pair(host(), "AAAAAAAA")
    const alert = options.getByRole("alert")
    await expect.poll(() => alert.textContent()).toContain("code is wrong")
    await pair("127.0.0.1:1", "AAAAAAAA")
    await expect.poll(() => alert.textContent()).toContain("can't be reached")
    await pair("not an address", "AAAAAAAA")
    await expect.poll(() => alert.textContent()).toContain("no address of a bridge-server")
    expect(await state().getAttribute("data-state")).toBe("none")
  })

  test("it pairs by code on the options page, and a Node program computes in it", async () => {
    await pair(host(), served.bridge.pairingCode().code)
    await connected()
    expect(agents(served.bridge)).toMatchObject([{ browser: "chromium" }])
    const { logits, device, agent } = await compute()
    expect(device).toBe("wasm")
    expect(agent).toBe(agents(served.bridge)[0]?.agent)
    expect(distance(logits, await nativeLogits(images))).toBeLessThan(digits.tolerance)
    // What the browser measured is evidence of the bridge's.
    await expect
      .poll(async () => (await evidence.seed(agent as string)).map(({ kind, device, ok }) => `${kind} ${device} ${ok}`))
      .toEqual(["open wasm true", "first wasm true"])
  })

  const real = cases.find(({ name }) => name === "kwt1")!
  test("a Node program gets a real model's right answers from it, those of onnxruntime-node", async ({ skip }) => {
    skip(real.skip !== undefined, real.skip)
    const { runs } = real.plan() as Extract<Drive, { kind: "runs" }>
    await using bridge = await connect({ url: served.bridge.ws, token: served.bridge.token })
    const session = await bridge.load(pathToFileURL(real.model as string).href, { agent: "chromium", device: "wasm" })
    const outputs: Driven["outputs"] = []
    for (const feeds of runs) outputs.push((await session.run(feeds)).outputs as Driven["outputs"][number])
    const driven: Driven = { openMs: 0, runMs: [], outputs, tokens: [], keptBytes: { during: 0, after: 0 } }
    expectRight(real, driven, await reference(real))
  })

  test("a bridge-server that is killed under jobs in the browser: the next one has them run again, and the caller its answers", async () => {
    const port = new URL(served.bridge.http).port
    const { token } = served.bridge
    await served.close()
    const killed = await bridgeProcess(dataDir, "--port", port, "--no-native", "--no-evidence")
    const ask = async () =>
      (await raw(killed.http, "GET", "/v1/status", undefined, { authorization: `Bearer ${token}` })).json
    await expect.poll(async () => (await ask()).agents.length, { timeout: 30_000 }).toBe(1)
    await using caller = await connect({ url: killed.ws, token })
    const session = await caller.load(digitsModel, { agent: "chromium", device: "wasm" })
    const n = images.length * 50
    const data = Float32Array.from({ length: n * 64 }, (_, i) => images[Math.floor(i / 64) % images.length]![i % 64]!)
    const first = Promise.withResolvers<void>()
    let isKilled = false
    let answered = 0
    /** Asks again and again, so that a run is under way at any time; the answer to the one that was when it was killed. */
    const lane = async () => {
      for (;;) {
        const answer = await session.run({ image: { dtype: "float32", shape: [n, 1, 8, 8], data } })
        if (isKilled) {
          answered++
          return answer
        }
        first.resolve()
      }
    }
    const answers = Promise.all(Array.from({ length: 6 }, lane))
    await Promise.race([first.promise, answers])
    isKilled = true
    killed.child.kill("SIGKILL")
    await killed.exited
    expect(answered).toBeLessThan(6)
    served = await testBridge({ dataDir, native: false, port: Number(port) })
    const expected = await nativeLogits(images)
    for (const { outputs, device } of await answers) {
      expect(device).toBe("wasm")
      const logits = outputs.logits?.data as Float32Array
      expect(logits).toHaveLength(n * 10)
      expect(distance(logits.slice(-expected.length), expected)).toBeLessThan(digits.tolerance)
    }
    await connected()
  })

  test("it comes back by itself to a bridge-server that was started again", async () => {
    const port = Number(new URL(served.bridge.http).port)
    await served.close()
    await state().and(options.locator("[data-state=waiting]")).waitFor()
    served = await testBridge({ dataDir, native: false, port })
    await fleetWill(served.bridge, (bridge) => agents(bridge).length === 1)
    await connected()
    expect((await compute()).device).toBe("wasm")
  })

  test("it comes back when the browser was started again, before anybody opens a page", async () => {
    const [before] = agents(served.bridge)
    await browser.close()
    await fleetWill(served.bridge, (bridge) => agents(bridge).length === 0)
    browser = await launchExtension({ profileDir })
    await fleetWill(served.bridge, (bridge) => agents(bridge).length === 1)
    const [after] = agents(served.bridge)
    expect(after?.agent).toBe(before?.agent)
    expect(after?.incarnation).toBeGreaterThan(before?.incarnation as number)
    options = await browser.openOwn("options.html")
    await connected()
  })

  test("an impostor on the bridge's port learns nothing", async () => {
    const port = Number(new URL(served.bridge.http).port)
    await served.close()
    const heard: IncomingMessage[] = []
    const impostor = createServer((request, response) => {
      heard.push(request)
      response.end(JSON.stringify({ version: "0.1.0", proof: "00".repeat(32) }))
    })
    impostor.on("upgrade", (request, socket) => {
      heard.push(request)
      socket.destroy()
    })
    await new Promise<void>((listening) => impostor.listen(port, "127.0.0.1", listening))
    expect((impostor.address() as AddressInfo).port).toBe(port)
    await expect.poll(() => state().textContent(), { timeout: 30_000 }).toContain("does not know this browser")
    await new Promise((closed) => {
      impostor.close(closed)
      impostor.closeAllConnections()
    })
    expect(heard.length).toBeGreaterThan(0)
    for (const { url, headers } of heard) {
      expect(url).toMatch(/^\/v1\/proof\?nonce=[0-9a-f]{32}&agent=/)
      expect(JSON.stringify(headers)).not.toContain("ipfa.token")
      expect(headers.authorization).toBeUndefined()
    }
    served = await testBridge({ dataDir, native: false, port })
    await fleetWill(served.bridge, (bridge) => agents(bridge).length === 1)
  })

  test("it leaves when the person says so, and stays away", async () => {
    await connected()
    await options.getByTestId("forget-bridge").click()
    await fleetWill(served.bridge, (bridge) => agents(bridge).length === 0)
    await expect.poll(() => state().getAttribute("data-state")).toBe("none")
    await options.reload()
    await options.getByTestId("bridge-address").waitFor()
  })
})
