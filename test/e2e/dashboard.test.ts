import type { BrowserContext, Page } from "playwright-core"
import { encode } from "uqr"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import arabic from "../../bridge-server/page-parts/_locales/ar/messages.json" with { type: "json" }
import { msText } from "../../bridge-server/page-parts/words.ts"
import { Evidence } from "../../bridge-server/storage/index.ts"
import sentences from "../../engine/agent/error-sentences.ar.json" with { type: "json" }
import type { BridgeView, Peer } from "../../protocol/index.ts"
import { ensureDashboard, ensureWorkerPage } from "../../scripts/packages/pages.ts"
import { digitImage, fleetWill, nativeIsThere, type TestBridge, testBridge } from "../support/bridge.ts"
import { launchChromium } from "../support/chromium.ts"
import { walkByTab } from "../support/keyboard.ts"
import { axeFaults, moving, speak } from "../support/screens.ts"

let t: TestBridge
let context: BrowserContext
let page: Page
let caller: Peer

const bridge = (more = {}) =>
  testBridge({
    evidence: (file) => Evidence.open(file, { software: "test" }),
    alsoKnownAs: ["studio.example"],
    ...more,
  })

beforeAll(async () => {
  await ensureDashboard()
  await ensureWorkerPage()
  t = await bridge()
  context = await launchChromium()
  await nativeIsThere(t.bridge)
  caller = await t.client()
})
afterAll(async () => {
  await context.close()
  await t.close()
})

const device = "native/native-cpu"
const feeds = { image: digitImage(3) }
const will = (state: string) =>
  page
    .getByTestId("state")
    .and(page.locator(`[data-state=${state}]`))
    .waitFor()
const text = (id: string) => page.getByTestId(id).textContent()
const cell = (id: string) => page.locator(`[data-device="${device}"]`).getByTestId(id).textContent()
const count = (id: string) => expect.poll(() => text(id))
const unlock = async (typed: string) => {
  await page.getByTestId("code").fill(typed)
  await page.getByTestId("unlock").click()
}
/** What the dashboard is told, asked for by ourselves. */
const look = () =>
  new Promise<BridgeView>((resolve) => {
    const enough = new AbortController()
    const onEvent = (view: BridgeView) => {
      resolve(view)
      enough.abort()
    }
    void caller.call("dashboard.watch", {}, { onEvent, signal: enough.signal }).catch(() => {})
  })

beforeEach(async () => {
  page ??= await context.newPage()
})

test("without a code it shows no number, and a link's code opens it once and is gone from the address bar", async () => {
  await page.goto(`${t.bridge.http}/dashboard`)
  await will("locked")
  expect(await page.getByTestId("done").count()).toBe(0)
  const { code } = t.bridge.pairingCode("dashboard")
  await page.goto(`${t.bridge.http}/dashboard#code=${code}`)
  await will("live")
  expect(page.url()).toBe(`${t.bridge.http}/dashboard`)
  const other = await context.newPage()
  // Another origin: a storage of its own.
  await other.goto(`${t.bridge.http.replace("127.0.0.1", "localhost")}/dashboard#code=${code}`)
  await expect
    .poll(() => other.getByRole("alert").first().textContent())
    .toMatch(/wrong, used or expired.* IPFA_BRIDGE_PAIRING$/)
  await other.close()
})

test("its numbers are those of what was run, and rise while it is looked at", async () => {
  const { sessionId } = await caller.call("session.open", { model: "digits", device: "native-cpu" })
  const runMs: number[] = []
  const wholeMs: number[] = []
  const run = async () => {
    const start = performance.now()
    const { timing } = await caller.call("session.run", { sessionId, feeds })
    wholeMs.push(performance.now() - start)
    runMs.push(timing.runMs)
  }
  for (let i = 0; i < 19; i++) await run()
  await count("done").toBe("19")
  expect([await cell("n"), await cell("p95")]).toEqual(["19", "–"])
  for (let i = 0; i < 6; i++) await run()
  await caller.call("session.run", { sessionId, feeds: {} }).catch(() => {})
  for (let i = 0; i < 2; i++) await caller.call("session.open", { model: "nothing" }).catch(() => {})
  await count("done").toBe("25")
  await count("failed").toBe("1")
  const [seen] = (await look()).latencies
  expect(seen).toMatchObject({ device, done: 25, failed: 1, n: 25 })
  expect([await cell("device-done"), await cell("device-failed"), await cell("n")]).toEqual(["25", "1", "25"])
  expect([await cell("p50"), await cell("p95")]).toEqual([msText(seen?.p50Ms), msText(seen?.p95Ms)])
  // As the caller saw them: no shorter than on the device, no longer than with the way there and back.
  const rank = (all: number[], share: number) =>
    all.toSorted((a, b) => a - b)[Math.ceil(share * all.length) - 1] as number
  for (const [shown, share] of [
    [seen?.p50Ms as number, 0.5],
    [seen?.p95Ms as number, 0.95],
  ] as const) {
    expect(shown).toBeGreaterThanOrEqual(rank(runMs, share))
    expect(shown).toBeLessThanOrEqual(rank(wholeMs, share))
  }
  await expect.poll(() => page.getByRole("img", { name: "25 done, 1 failed" }).count()).toBe(1)
  const times = (code: string) => page.locator(`[data-code=${code}]`).getByTestId("times").textContent()
  expect([await times("IPFA_INPUT_SHAPE"), await times("IPFA_MODEL_NOT_FOUND")]).toEqual(["1", "2"])
})

test("a benchmark is in the history as soon as it is stored, with its numbers", async () => {
  const { rows } = await caller.call("benchmark.run", { model: "digits", devices: ["native-cpu"], feeds, samples: 7 })
  const row = page.getByTestId("benchmark")
  await row.waitFor()
  const [measured] = rows
  expect(await row.locator("th, td").allTextContents()).toEqual([
    device,
    msText(measured?.p50Ms),
    "7",
    expect.any(String),
    msText(measured?.loadMs),
    msText(measured?.firstMs),
  ])
  expect(await page.getByTestId("model").locator("option").allTextContents()).toEqual(["digits.onnx"])
})

test("by the link it shows, and its QR code, another browser joins; who joins and leaves is seen", async () => {
  await page.getByTestId("invite").click()
  const link = (await page.getByTestId("link").getAttribute("href")) as string
  expect(link).toMatch(new RegExp(`^${t.bridge.http}/worker#code=[A-Z0-9]{8}$`))
  const dark = encode(link, { border: 4 }).data.flatMap((row, y) =>
    row.flatMap((on, x) => (on ? [`M${x} ${y}h1v1h-1z`] : [])),
  )
  expect(await page.locator("svg.qr path").getAttribute("d")).toBe(dark.join(""))
  const worker = await context.newPage()
  await worker.goto(link)
  const agent = page.locator("[data-agent^=chromium-]")
  await agent.waitFor()
  expect(await page.locator("[data-device^=chromium-][data-device$='/wasm']").count()).toBe(1)
  await worker.close()
  await agent.waitFor({ state: "detached" })
})

describe("to look at", () => {
  test.each([
    ["light", 1280],
    ["dark", 1280],
    ["light", 360],
    ["dark", 360],
  ] as const)("axe finds nothing in the %s theme at %i pixels, and nothing sticks out", async (colorScheme, width) => {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 800 })
    expect(await axeFaults(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
  })

  test("nothing moves for those who want no motion", async () => {
    expect(await moving(page)).toEqual([])
  })

  test("in a narrow window the state and the latencies are in sight without scrolling", async () => {
    await page.setViewportSize({ width: 360, height: 800 })
    const end = async (id: string) => {
      const box = await page.locator(`[data-device="${device}"]`).getByTestId(id).boundingBox()
      return box && box.x + box.width
    }
    for (const id of ["device-state", "p50", "p95"]) expect(await end(id), id).toBeLessThanOrEqual(360)
  })

  test("in Arabic it is read from the right, axe finds nothing, and nothing sticks out", async () => {
    await speak(page, "ar-EG,en")
    await page.reload()
    await page.getByTestId("benchmark").waitFor()
    expect(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir])).toEqual([
      "ar",
      "rtl",
    ])
    expect(await page.getByTestId("lock").textContent()).toBe(arabic.lock.message)
    expect(await axeFaults(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    await page.goto(`${t.bridge.http}/dashboard#code=AAAAAAAA`)
    const said = `${sentences.IPFA_BRIDGE_PAIRING} IPFA_BRIDGE_PAIRING`
    await expect.poll(async () => (await page.getByRole("alert").textContent())?.trim()).toBe(said)
    await speak(page, "en-GB")
  })

  test("the keyboard alone reaches everything that can be used, is seen to, and uses it", async () => {
    await page.reload()
    await page.getByTestId("benchmark").waitFor()
    await walkByTab(page)
    await page.reload()
    await page.getByTestId("benchmark").waitFor()
    const reached: string[] = []
    for (let at = ""; at !== "Show a link"; reached.push(at)) {
      await page.keyboard.press("Tab")
      at = await page.evaluate(() => {
        const { activeElement: e } = document
        return e?.getAttribute("aria-label") ?? e?.textContent ?? ""
      })
      expect(reached.length).toBeLessThan(10)
    }
    expect(reached).toEqual([
      "Lock",
      "Devices",
      expect.stringContaining("can’t be had"),
      "Agents",
      "Errors",
      "digits.onnx",
      "Benchmarks",
      "Show a link",
    ])
    await page.keyboard.press("Enter")
    await page.getByTestId("link").waitFor()
  })
})

test("this browser opens it by itself, until it is locked; the bridge-server's token opens it and is not kept", async () => {
  await page.getByTestId("lock").click()
  await will("locked")
  expect(await page.getByTestId("done").count()).toBe(0)
  await page.reload()
  await will("locked")
  expect(await axeFaults(page)).toEqual([])
  await unlock("A".repeat(43))
  await expect.poll(() => page.getByRole("alert").textContent()).toMatch(/not the token .* IPFA_BRIDGE_TOKEN$/)
  await unlock(t.bridge.token)
  await will("live")
  expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(t.bridge.token)
})

test("where the browser lets it store nothing it says so", async () => {
  const other = await context.newPage()
  await other.addInitScript(() => {
    const get = () => {
      throw new DOMException("Access is denied for this document.", "SecurityError")
    }
    Object.defineProperty(window, "localStorage", { get })
  })
  await other.goto(`${t.bridge.http}/dashboard`)
  await expect.poll(() => other.getByRole("alert").textContent()).toMatch(/IPFA_STORE_DENIED$/)
  expect(await other.getByTestId("state").getAttribute("data-state")).toBe("locked")
  await other.close()
})

test("it comes back when the bridge-server does, and is locked when its key was taken back", async () => {
  const port = Number(new URL(t.bridge.http).port)
  await t.bridge.close()
  await will("waiting")
  // At first that its connection ended.
  await expect.poll(() => text("state")).toContain("IPFA_BRIDGE_UNREACHABLE")
  t = await bridge({ dataDir: t.dir, port, native: false })
  await will("live")
  await count("done").toBe("0")
  const { json } = await t.http("GET", "/v1/agents")
  const mine = json.agents.find(({ role }: { role?: string }) => role === "dashboard")
  await t.http("DELETE", `/v1/agents/${mine.agent}`)
  await will("locked")
  await fleetWill(t.bridge, ({ fleet }) => fleet.members.length === 0)
})
