import type { BrowserContext, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { findWebkit, type WebkitPaths } from "../../bridge-server/browsers.ts"
import arabic from "../../bridge-server/page-parts/_locales/ar/messages.json" with { type: "json" }
import english from "../../bridge-server/page-parts/_locales/en/messages.json" with { type: "json" }
import sentences from "../../engine/agent/error-sentences.ar.json" with { type: "json" }
import { ensureWorkerPage } from "../../scripts/packages/pages.ts"
import { joinWebkit } from "../../scripts/start/webkit.ts"
import { joinWebnnShell } from "../../scripts/start/webnn-shell.ts"
import { connect } from "../../sdk/connect.ts"
import { adderModel } from "../support/adder.ts"
import { fleetWill, identity, productModel, type TestBridge, testBridge } from "../support/bridge.ts"
import { launchChromium } from "../support/chromium.ts"
import { digits, digitsModel, distance, nativeLogits } from "../support/digits.ts"
import { tabTo, walkByTab } from "../support/keyboard.ts"
import { axeFaults, moving, sizes, speak, themes } from "../support/screens.ts"
import { noWebnnShell } from "../support/webnn-shell.ts"

const images = digits.samples.map(({ image }) => image)
let served: TestBridge

beforeAll(async () => void (await ensureWorkerPage()))
beforeEach(async () => {
  served = await testBridge({ native: false })
})
afterEach(() => served.close())

const agents = () => served.bridge.fleet.members.filter(({ gone }) => !gone)
const count = (n: number) => fleetWill(served.bridge, () => agents().length === n)
const link = (base = served.bridge.http) => `${base}/worker#code=${served.bridge.pairingCode().code}`

/** How far what `device` of `agent` computes is from native's numbers. */
async function error(agent: string, device: string): Promise<number> {
  await using bridge = await connect({ url: served.bridge.ws, token: served.bridge.token })
  const session = await bridge.load(digitsModel, { agent, device })
  const image = { dtype: "float32", shape: [images.length, 1, 8, 8], data: Float32Array.from(images.flat()) } as const
  const result = await session.run({ image })
  expect([result.agent, result.device]).toEqual([agents()[0]?.agent, device])
  return distance(result.outputs.logits?.data as Float32Array, await nativeLogits(images))
}

describe("Chromium", () => {
  let context: BrowserContext
  beforeAll(async () => {
    context = await launchChromium()
  })
  afterAll(() => context.close())
  // Each test's bridge-server has a port, and so an origin and a storage, of its own: its pages go with it.
  afterEach(async () => {
    for (const page of context.pages()) await page.close()
  })

  const open = async (url: string): Promise<Page> => {
    const page = await context.newPage()
    await page.goto(url)
    return page
  }
  const will = (page: Page, state: string) =>
    page
      .getByTestId("state")
      .and(page.locator(`[data-state=${state}]`))
      .waitFor()
  /** The same bridge under its other name: an origin with a storage of its own, so a second agent in one browser. */
  const otherOrigin = () => served.bridge.http.replace("127.0.0.1", "localhost")

  test("it joins by its link's code, which the address bar and every request go without, and computes native's numbers", async () => {
    const page = await context.newPage()
    const asked: string[] = []
    page.on("request", (request) => asked.push(request.url(), JSON.stringify(request.headers())))
    page.on("websocket", (socket) => asked.push(socket.url()))
    const { code } = served.bridge.pairingCode()
    await page.goto(`${served.bridge.http}/worker#code=${code}`)
    await will(page, "connected")
    expect(agents()).toMatchObject([{ browser: "chromium" }])
    expect(page.url()).toBe(`${served.bridge.http}/worker`)
    expect(asked.filter((text) => text.split("#")[0]?.includes(code))).toEqual([])
    expect(await error("chromium", "wasm")).toBeLessThan(digits.tolerance)
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
    await expect.poll(() => page.getByTestId("jobs").textContent()).toMatch(/Done1(?!\d)/)
    await expect.poll(() => page.locator("[data-device=wasm]").textContent()).toContain("ready")
  })

  test("a code is good once, and one that is typed is as good as a link", async () => {
    const { code } = served.bridge.pairingCode()
    await will(await open(`${served.bridge.http}/worker#code=${code}`), "connected")
    const page = await open(`${otherOrigin()}/worker#code=${code}`)
    await expect.poll(() => page.getByRole("alert").textContent()).toMatch(/code is wrong.* IPFA_BRIDGE_PAIRING$/)
    await will(page, "none")
    expect(agents()).toHaveLength(1)
    await page.getByTestId("code").fill(served.bridge.pairingCode().code)
    await page.getByTestId("join").click()
    await will(page, "connected")
    expect(agents()).toHaveLength(2)
  })

  test("it comes back as the same agent after a reload, and leaves when told to", async () => {
    const page = await open(link())
    await will(page, "connected")
    const [before] = agents()
    await page.reload()
    await will(page, "connected")
    const [after] = agents()
    expect(after?.agent).toBe(before?.agent)
    expect(after?.incarnation).toBeGreaterThan(before?.incarnation as number)
    await page.getByTestId("forget").click()
    await count(0)
    await page.reload()
    await will(page, "none")
  })

  test("paused it computes nothing, across a reload too, until it is resumed", async () => {
    const page = await open(link())
    await will(page, "connected")
    await page.getByTestId("pause").click()
    await count(0)
    await page.reload()
    await will(page, "paused")
    expect(agents()).toHaveLength(0)
    await page.getByTestId("resume").click()
    await will(page, "connected")
    expect(await error("chromium", "wasm")).toBeLessThan(digits.tolerance)
  })

  test("it leaves while it is paused, too", async () => {
    const page = await open(link())
    await will(page, "connected")
    await page.getByTestId("pause").click()
    await will(page, "paused")
    await page.getByTestId("forget").click()
    await will(page, "none")
    await page.reload()
    await will(page, "none")
    expect(agents()).toHaveLength(0)
  })

  /** Files of models that the page's address keeps on the disk. */
  const filesOf = (page: Page) =>
    page.evaluate(async () => {
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("ipfs-accelerate-models")
      return (await Array.fromAsync(folder.keys())).length
    })
  const stored = async (page: Page) => Number(await page.getByTestId("stored").getAttribute("data-bytes"))

  test("it says what its models take on the computer and deletes them when asked twice; the bridge-server sends them again", async () => {
    const page = await open(link())
    await will(page, "connected")
    await expect.poll(() => stored(page)).toBe(0)
    expect(await error("chromium", "wasm")).toBeLessThan(digits.tolerance)
    const size = digitsModel.byteLength
    await expect.poll(() => stored(page)).toBe(size)
    const focused = (testId: string) => page.locator(`[data-testid=${testId}]:focus`).waitFor()
    await tabTo(page, "delete-models")
    await page.keyboard.press("Enter")
    await focused("delete-models-cancel")
    expect(await axeFaults(page)).toEqual([])
    await page.keyboard.press("Enter")
    await focused("delete-models")
    expect(await filesOf(page)).toBe(1)
    await page.getByTestId("delete-models").click()
    await page.getByTestId("delete-models-sure").click()
    await expect.poll(() => stored(page)).toBe(0)
    expect(await filesOf(page)).toBe(0)
    // What is loaded already needs no bytes.
    await page.reload()
    await will(page, "connected")
    await expect.poll(() => stored(page)).toBe(0)
    expect(await error("chromium", "wasm")).toBeLessThan(digits.tolerance)
    await expect.poll(() => stored(page)).toBe(size)
  })

  test("whoever leaves is asked whether the models go too", async () => {
    const page = await open(link())
    for (const [choice, files] of [
      ["forget-keep", 1],
      ["forget-delete", 0],
    ] as const) {
      if (choice === "forget-delete") await page.goto(link())
      await will(page, "connected")
      expect(await error("chromium", "wasm")).toBeLessThan(digits.tolerance)
      await expect.poll(() => stored(page)).toBeGreaterThan(0)
      await page.getByTestId("forget").click()
      await page.getByTestId("forget-cancel").click()
      expect(agents()).toHaveLength(1)
      await page.getByTestId("forget").click()
      await page.getByTestId(choice).click()
      await will(page, "none")
      await expect.poll(() => filesOf(page)).toBe(files)
    }
  })

  test("a limit on memory is kept, and what does not fit in it is not loaded", async () => {
    const page = await open(link())
    await will(page, "connected")
    await using bridge = await connect({ url: served.bridge.ws, token: served.bridge.token })
    const where = { agent: "chromium", device: "wasm" } as const
    const model = adderModel(1, 24 * 2 ** 20)
    await (await bridge.load(model, where)).dispose()
    const first = agents()[0]?.incarnation as number
    await page.getByTestId("budget").fill("16")
    // Each start would try out a software GPU, for seconds.
    await page.getByTestId("webgpu").uncheck()
    await page.getByTestId("webnn").uncheck()
    await page.getByTestId("apply-limits").click()
    await fleetWill(served.bridge, () => (agents()[0]?.incarnation ?? 0) > first)
    await page.reload()
    await will(page, "connected")
    expect(await page.getByTestId("budget").inputValue()).toBe("16")
    expect(await error("chromium", "wasm")).toBeLessThan(digits.tolerance)
    await expect(bridge.load(model, where)).rejects.toMatchObject({
      code: "IPFA_DEVICE_NONE",
      data: {
        devices: expect.arrayContaining([
          { device: `${agents()[0]?.agent}/wasm`, reason: expect.stringContaining(`${16e6} can be had`) },
        ]),
      },
    })
  })

  test("what is not to be used is not offered, across a reload too, and one kind of device is always left", async () => {
    const page = await open(link())
    await will(page, "connected")
    const offered = () => agents()[0]?.hardware.devices.map(({ id }) => id)
    expect(offered()).toEqual(["webgpu", "wgsl", "wasm"])
    await page.getByTestId("webgpu").uncheck()
    await page.getByTestId("webnn").uncheck()
    expect(await page.getByTestId("wasm").isDisabled()).toBe(true)
    await page.getByTestId("apply-limits").click()
    await fleetWill(served.bridge, () => offered()?.join() === "wasm")
    expect(agents()[0]?.hardware.absent).toEqual([])
    await page.reload()
    await will(page, "connected")
    expect(offered()).toEqual(["wasm"])
    expect(await page.getByTestId("webgpu").isChecked()).toBe(false)
    expect(await error("chromium", "wasm")).toBeLessThan(digits.tolerance)
  })

  test("on mains power only: it leaves while the machine runs on battery, and comes back by itself", async () => {
    const page = await context.newPage()
    // The machines that run the tests have no battery: this one is theirs.
    await page.addInitScript(() => {
      const battery = Object.assign(new EventTarget(), { charging: true })
      Object.assign(window, { battery })
      Object.defineProperty(navigator, "getBattery", { value: async () => battery })
    })
    const plug = (charging: boolean) =>
      page.evaluate((on) => {
        const { battery } = window as unknown as { battery: EventTarget & { charging: boolean } }
        battery.charging = on
        battery.dispatchEvent(new Event("chargingchange"))
      }, charging)
    await page.goto(link())
    await will(page, "connected")
    await plug(false)
    await page.getByTestId("mains-only").check()
    await page.getByTestId("apply-limits").click()
    await will(page, "resting")
    await count(0)
    await plug(true)
    await will(page, "connected")
    expect(agents()).toHaveLength(1)
  })

  test("it says that it lives from a worker: a page whose own timers stand still is not given up", async () => {
    const page = await open(link())
    await will(page, "connected")
    await page.evaluate(() => Object.assign(window, { setTimeout: () => 0, setInterval: () => 0 }))
    const [member] = agents()
    const beats = new Set<number>()
    await expect.poll(() => beats.add(member?.seenAt as number).size).toBeGreaterThan(3)
    expect(agents()).toEqual([member])
  })

  test("the screen is kept on while it is joined, and no longer", async () => {
    const page = await context.newPage()
    await page.addInitScript(() => {
      const request = navigator.wakeLock.request.bind(navigator.wakeLock)
      const locks: WakeLockSentinel[] = []
      Object.assign(window, { locks })
      navigator.wakeLock.request = async (type) => {
        const lock = await request(type)
        locks.push(lock)
        return lock
      }
    })
    const held = () =>
      page.evaluate(() => (window as unknown as { locks: WakeLockSentinel[] }).locks.map((lock) => !lock.released))
    await page.goto(link())
    await will(page, "connected")
    await page.getByText("The screen is kept on meanwhile.").waitFor()
    expect(await held()).toEqual([true])
    await page.getByTestId("pause").click()
    await expect.poll(held).toEqual([false])
  })

  test("axe finds nothing in either theme, joined or not, and nothing sticks out", async () => {
    const page = await open(`${served.bridge.http}/worker`)
    await will(page, "none")
    for (const url of [undefined, link()]) {
      if (url) await page.goto(url)
      if (url) await will(page, "connected")
      for (const colorScheme of themes)
        for (const size of Object.values(sizes)) {
          await page.emulateMedia({ colorScheme })
          await page.setViewportSize(size)
          expect(await axeFaults(page)).toEqual([])
          expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(size.width)
        }
    }
  })

  test("nothing moves on it for those who want no motion", async () => {
    const page = await open(link())
    await will(page, "connected")
    expect(await moving(page)).toEqual([])
  })

  test("in Arabic it is read from the right, axe finds nothing, and nothing sticks out; what it does not speak is English", async () => {
    const page = await open(link())
    await will(page, "connected")
    const side = () => page.evaluate(() => [document.documentElement.lang, document.documentElement.dir])
    await page.setViewportSize(sizes.narrow)
    await speak(page, "ar")
    await page.reload()
    await will(page, "connected")
    expect(await side()).toEqual(["ar", "rtl"])
    expect(await page.getByTestId("pause").textContent()).toBe(arabic.pause.message)
    expect(await axeFaults(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(sizes.narrow.width)
    await speak(page, "is")
    await page.reload()
    await will(page, "connected")
    expect(await side()).toEqual(["en", "ltr"])
  })

  test("errors are told in Arabic, with their codes and, in English, what was said of the very case", async () => {
    const page = await open(`${served.bridge.http}/worker`)
    await page.setViewportSize(sizes.narrow)
    await speak(page, "ar")
    await page.reload()
    await page.getByTestId("code").fill("AAAAAAAA")
    await page.getByTestId("join").click()
    const alert = page.getByRole("alert")
    await alert.waitFor()
    expect((await alert.textContent())?.trim()).toBe(`${sentences.IPFA_BRIDGE_PAIRING} IPFA_BRIDGE_PAIRING`)
    await page.goto(link())
    await will(page, "connected")
    await served.http("DELETE", `/v1/agents/${agents()[0]?.agent}`)
    const why = page.getByTestId("state").filter({ hasText: sentences.IPFA_BRIDGE_TOKEN })
    const inEnglish = why.locator("[lang=en][dir=ltr]")
    await inEnglish.filter({ hasText: /^What listens at .* does not know this browser/ }).waitFor()
    expect(await axeFaults(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(sizes.narrow.width)
  })

  test("it is walked and used by keyboard, and focus is seen", async () => {
    const page = await open(link())
    await will(page, "connected")
    await walkByTab(page)
    await tabTo(page, "pause")
    await page.keyboard.press("Enter")
    await will(page, "paused")
    await tabTo(page, "resume")
    await page.keyboard.press("Space")
    await will(page, "connected")
  })

  test("a second tab waits, and takes over when the first is closed", async () => {
    const first = await open(link())
    await will(first, "connected")
    const second = await open(`${served.bridge.http}/worker`)
    await will(second, "elsewhere")
    expect(agents()).toHaveLength(1)
    await first.close()
    await will(second, "connected")
    expect(agents()).toHaveLength(1)
  })

  test("a code that is opened in a second tab is told of, and used when that takes over", async () => {
    const first = await open(`${served.bridge.http}/worker`)
    await will(first, "none")
    const second = await open(`${served.bridge.http}/worker`)
    await will(second, "elsewhere")
    const said = () => second.getByTestId("state").textContent()
    expect(await said()).toBe(english.elsewhere.message)
    await second.goto(link())
    await expect.poll(said).toBe(english.elsewhereCode.message)
    await first.close()
    await will(second, "connected")
  })

  test("where the disk is full it says so, and joins once there is room; later it starts as the same agent all the same", async () => {
    const page = await context.newPage()
    // Chromium sees to a page's share of the disk in files alone: writing to the database ends here as it does on a disk that is full.
    await page.addInitScript(() => {
      const { put } = IDBObjectStore.prototype
      const isFull = { value: true }
      Object.assign(window, { isFull })
      IDBObjectStore.prototype.put = function (...what) {
        if (isFull.value) throw new DOMException("full disk", "QuotaExceededError")
        return put.apply(this, what)
      }
    })
    const full = (value: boolean) =>
      page.evaluate((v) => {
        ;(window as unknown as { isFull: { value: boolean } }).isFull.value = v
      }, value)
    await page.goto(link())
    await expect.poll(() => page.getByRole("alert").textContent()).toMatch(/IPFA_STORE_QUOTA$/)
    await will(page, "none")
    await full(false)
    const join = async () => {
      await page.getByTestId("code").fill(served.bridge.pairingCode().code)
      await page.getByTestId("join").click()
      await will(page, "connected")
    }
    await join()
    expect(await page.getByRole("alert").count()).toBe(0)
    await page.reload()
    await will(page, "connected")
    expect(agents()).toHaveLength(1)
  })

  test("what can't be kept of the person's settings holds until a reload, and the page says so", async () => {
    const page = await open(link())
    await will(page, "connected")
    await page.evaluate(() => {
      localStorage.clear()
      for (let part = "x".repeat(2 ** 20), i = 0; part !== ""; ) {
        try {
          localStorage.setItem(`filler ${i++}`, part)
        } catch {
          part = part.slice(Math.ceil(part.length / 2))
        }
      }
    })
    await page.getByTestId("pause").click()
    await will(page, "paused")
    await count(0)
    expect(await page.getByRole("alert").textContent()).toMatch(/IPFA_STORE_QUOTA$/)
    await page.getByTestId("resume").click()
    await will(page, "connected")
  })

  test("where the browser lets it store nothing it says so, and a code joins once that is allowed", async () => {
    const page = await context.newPage()
    await page.addInitScript(() => {
      const { request } = navigator.locks
      navigator.locks.request = async (...what: unknown[]) => {
        if (!("isAllowed" in window)) throw new DOMException("The request was denied.", "SecurityError")
        return Reflect.apply(request, navigator.locks, what)
      }
    })
    await page.goto(`${served.bridge.http}/worker`)
    const alert = page.getByRole("alert")
    await expect.poll(() => alert.textContent()).toMatch(/settings, and reload it\. IPFA_STORE_DENIED$/)
    await page.evaluate(() => void Object.assign(window, { isAllowed: true }))
    await page.getByTestId("code").fill(served.bridge.pairingCode().code)
    await page.getByTestId("join").click()
    await will(page, "connected")
    expect(await alert.count()).toBe(0)
  })

  test("a job of a page that is closed while it runs is run again elsewhere, with the right answer", async () => {
    const pages = [await open(link()), await open(link(otherOrigin()))]
    const names: (string | undefined)[] = []
    for (const [i, page] of pages.entries()) {
      await will(page, "connected")
      names[i] = /Joined as (\S+)\./.exec((await page.getByTestId("state").textContent()) ?? "")?.[1]
    }
    const side = 768
    const peer = await served.client()
    const bytes = productModel(side, 60)
    const { reference } = await peer.call("model.put", { uploadId: "m", offset: 0, total: bytes.byteLength, bytes })
    const { sessionId, device } = await peer.call("session.open", { model: reference as string, device: "wasm" })
    const answer = peer.call("session.run", { sessionId, feeds: { x: identity(side) } })
    await expect.poll(async () => (await peer.call("status.get", {})).jobs.running, { interval: 5 }).toBe(1)
    await pages[names.indexOf(device.agent)]?.close()
    const { outputs, agent, reruns } = await answer
    expect(reruns).toBe(1)
    expect(agent).toBe(names.find((name) => name !== device.agent))
    const y = outputs.y
    const values = y && "data" in y ? (y.data as Float32Array) : new Float32Array()
    expect(values.length).toBe(side * side)
    expect(values.every((value, i) => value === (i % (side + 1) === 0 ? 1 : 0))).toBe(true)
  })
})

const webkit = findWebkit(true)
const noWebkit = typeof webkit === "string" ? ` (${webkit})` : ""
test.skipIf(noWebkit)(`WebKitGTK joins and computes native's numbers${noWebkit}`, async () => {
  const browser = await joinWebkit(webkit as WebkitPaths, link(), true)
  try {
    expect(agents()).toMatchObject([{ browser: "webkit" }])
    expect(await error("webkit", "wasm")).toBeLessThan(digits.tolerance)
  } finally {
    await browser.close()
  }
  await count(0)
})

test.skipIf(noWebnnShell)(
  `the WebNN shell joins and computes native's numbers by WebNN and by WASM${noWebnnShell}`,
  async () => {
    const browser = await joinWebnnShell(link())
    if (typeof browser === "string") throw new Error(browser)
    try {
      expect(agents()).toMatchObject([{ browser: "webnn-shell" }])
      for (const device of ["webnn:cpu", "webnn:gpu", "webnn:npu", "wasm"])
        expect(await error("webnn-shell", device)).toBeLessThan(digits.tolerance)
    } finally {
      await browser.close()
    }
    await count(0)
  },
)
