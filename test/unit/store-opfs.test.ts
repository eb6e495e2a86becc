import type { BrowserContext, Page } from "playwright-core"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { type Bundled, bundle } from "../support/bundle.ts"
import { launchChromium } from "../support/chromium.ts"
import { type ModelServer, modelServer } from "../support/model-server.ts"
import { serveFolder } from "../support/serve.ts"
import { milestones, sha256, someBytes } from "../support/store-cases.ts"
import type { Disk, Erasing, RowLogs, StorePage } from "../support/store-page.ts"

declare const store: StorePage
declare const logs: RowLogs
declare const disk: Disk
declare const erasing: Erasing

const MiB = 2 ** 20

describe("the store of a real page", () => {
  let server: ModelServer
  let bundled: Bundled
  let served: { url: string; close(): Promise<void> }
  let context: BrowserContext
  let tab: Page

  const open = async () => {
    const page = await context.newPage()
    await page.goto(served.url)
    await page.waitForFunction("window.store")
    return page
  }
  /** Ends the page's life as a crash or an update would, and starts another. */
  const restart = async () => {
    await tab.close()
    tab = await open()
  }

  beforeAll(async () => {
    server = await modelServer()
    bundled = await bundle({ page: "test/support/store-page.ts" })
    served = await serveFolder(bundled.dir)
    context = await launchChromium()
    tab = await open()
  })
  beforeEach(() => {
    server.requests.length = 0
  })
  afterAll(async () => {
    await context?.close()
    await served?.close()
    await bundled?.remove()
    await server?.close()
  })

  const load = (page: Page, url: string, name: string, abortAt?: number) =>
    page.evaluate(([u, n, a]) => store.load(u, { name: n, allowLoopback: true, revalidateMs: 0 }, a), [
      url,
      name,
      abortAt,
    ] as const)

  const versioned = (name: string, versions: number) =>
    tab.evaluate(([n, v]) => store.versioned(n, v), [name, versions] as const)
  const records = (name: string) => tab.evaluate((n) => store.records(n), name)

  test("what an older version left is copied before it is changed, and nothing where there is nothing to change", async () => {
    expect(await versioned("migrated", 1)).toEqual([{ id: 1 }])
    expect(await versioned("migrated", 2)).toEqual([{ id: 1, colour: "red" }])
    expect(await records("migrated before v2")).toEqual([{ store: "things", key: 1, value: { id: 1 } }])
    expect(await versioned("made new", 2)).toEqual([{ id: 1, colour: "red" }])
    const names = await tab.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
    expect(names).not.toContain("made new before v2")
  })

  test("a copy from before a migration is kept for two weeks", async () => {
    const day = 24 * 3600_000
    const copies = async (name: string) => tab.evaluate((n) => store.databases(n), `${name} before`)
    for (const [version, days] of [
      [2, 15],
      [3, 13],
    ] as const)
      await tab.evaluate(([n, at]) => store.copied(n, at), [
        `aged before v${version}`,
        Date.now() - days * day,
      ] as const)
    await versioned("aged", 1)
    expect(await copies("aged")).toEqual(["aged before v3"])
    await versioned("aged", 2)
    expect(await copies("aged")).toEqual(["aged before v2", "aged before v3"])
  })

  test("the end of a pairing takes the copies of the settings with it, which would hold its token", async () => {
    await tab.evaluate((at) => store.copied("settings before v2", at), Date.now())
    await tab.evaluate(() => store.unpair("settings"))
    expect(await tab.evaluate(() => store.databases("settings"))).toEqual(["settings"])
  })

  test("a migration that is cut off in the middle left nothing behind, and the next start goes through", async () => {
    await versioned("migrated half", 1)
    await tab.evaluate(() => void store.versioned("migrated half", 2, { stuck: true }))
    await tab.waitForFunction("window.isChanging")
    await restart()
    expect(await versioned("migrated half", 1)).toEqual([{ id: 1 }])
    expect(await versioned("migrated half", 2)).toEqual([{ id: 1, colour: "red" }])
  })

  test("what a newer version wrote is refused with that code and left as it is", async () => {
    await versioned("migrated further", 2)
    expect(await versioned("migrated further", 1)).toBe("IPFA_STORE_NEWER")
    expect(await records("migrated further")).toEqual([{ id: 1, colour: "red" }])
  })

  test("a model is stored on disk, verified, and there after a restart", async () => {
    const bytes = someBytes(100_000)
    const url = server.serve("/m.onnx", { bytes, etag: '"1"', lastModified: "Mon, 01 Jun 2026 00:00:00 GMT" })
    const first = await load(tab, url, "restart")
    expect(first).toMatchObject({ sha256: sha256(bytes), stored: false, bytes: bytes.byteLength })
    await restart()
    expect(await load(tab, url, "restart")).toMatchObject({ sha256: sha256(bytes), stored: true, head: first.head })
    expect(server.requests.map((r) => r.method)).toEqual(["GET", "HEAD"])
  })

  test("what is noted of a model is there after a restart, shows nowhere else, and is gone with the model", async () => {
    const bytes = someBytes(1000)
    const url = server.serve("/noted.onnx", { bytes })
    const options = { name: "noted", allowLoopback: true }
    const noted = (lines?: string[]) =>
      tab.evaluate(([u, o, l]) => store.noted(u, o, l), [url, options, lines] as const)
    expect(await noted()).toEqual({})
    expect(await noted(["one", "two"])).toEqual({ lines: ["one", "two"] })
    await restart()
    expect(await noted()).toEqual({ lines: ["one", "two"] })
    const { models } = await tab.evaluate((o) => store.list(o), options)
    expect(models).toHaveLength(1)
    expect(models[0]).not.toHaveProperty("notes")
    expect(await tab.evaluate(([s, o]) => store.delete(s, o), [sha256(bytes), options] as const)).toBe(true)
    expect(await noted()).toEqual({})
  })

  test("a download that was cut off goes on from its last part, without asking for leave to", async () => {
    const bytes = someBytes(12 * MiB)
    const lastModified = "Mon, 01 Jun 2026 00:00:00 GMT"
    const { at, onProgress } = milestones()
    await tab.exposeFunction("reached", onProgress)
    const url = server.serve("/cut.onnx", { bytes, lastModified, cut: { after: 9 * MiB, times: 1, when: at } })
    expect(await load(tab, url, "cut")).toMatchObject({ sha256: sha256(bytes) })
    expect(server.requests.map((r) => r.method)).toEqual(["GET", "GET"])
    expect(server.requests[1]?.headers.range).toMatch(/^bytes=[1-9]\d+-$/)
  })

  test("a download whose tab was closed goes on in the next one", async () => {
    const bytes = someBytes(20 * MiB)
    const lastModified = "Mon, 01 Jun 2026 00:00:00 GMT"
    // Parts may be larger than 8 MiB by what one read brings: two are there by then whatever that is.
    const gate = { after: 19 * MiB, opened: new Promise<void>(() => {}) }
    const url = server.serve("/closed.onnx", { bytes, lastModified, gate })
    const doomed = await open()
    const running = load(doomed, url, "closed").catch(() => {})
    const onDisk = () => tab.evaluate(() => store.bytes("closed"))
    await expect.poll(onDisk).toBeGreaterThanOrEqual(16 * MiB)
    const saved = await onDisk()
    await doomed.close()
    await running
    // The browser takes back what a tab held a moment after it has closed it.
    const isHeld = async () => (await navigator.locks.query()).held?.some(({ name }) => name?.startsWith("closed:"))
    await expect.poll(() => tab.evaluate(isHeld)).toBe(false)
    server.serve("/closed.onnx", { bytes, lastModified })
    const again = await load(tab, url, "closed")
    expect(again).toMatchObject({ sha256: sha256(bytes) })
    expect(again.seen[0]?.loaded).toBe(saved)
    expect(server.requests.at(-1)?.headers.range).toBe(`bytes=${saved}-`)
    expect(await tab.evaluate(() => store.folders("closed"))).toHaveLength(1)
  })

  test("two tabs that want the same model at once both get it, and one copy stays", async () => {
    const bytes = someBytes(MiB)
    const gate = Promise.withResolvers<void>()
    const url = server.serve("/tabs.onnx", { bytes, gate: { after: MiB / 2, opened: gate.promise } })
    const second = await open()
    const both = [load(tab, url, "tabs"), load(second, url, "tabs")]
    await expect.poll(() => server.requests.length).toBe(2)
    gate.resolve()
    for (const result of await Promise.all(both)) expect(result).toMatchObject({ sha256: sha256(bytes), bytes: MiB })
    await second.close()
    expect(await tab.evaluate(() => store.folders("tabs"))).toHaveLength(1)
  })

  test("damaged bytes are removed, and can be downloaded again", async () => {
    const url = server.serve("/damaged.onnx", { bytes: someBytes(1000) })
    await load(tab, url, "damaged")
    await restart()
    await tab.evaluate(() => store.damage("damaged"))
    expect(await load(tab, url, "damaged")).toMatchObject({ code: "IPFA_STORE_CORRUPT" })
    expect(await tab.evaluate(() => store.folders("damaged"))).toEqual([])
    expect(await load(tab, url, "damaged")).toMatchObject({ stored: false, sha256: sha256(someBytes(1000)) })
  })

  test("an upload is stored and pinned; one that was broken off by a closed tab is seen in the sum, and deleted with the models", async () => {
    const bytes = [...someBytes(500)]
    const put = await tab.evaluate((b) => store.upload(b, { name: "uploads" }), bytes)
    expect(put).toEqual({ received: 500, reference: `sha256:${sha256(Uint8Array.from(bytes))}` })
    await tab.evaluate((size) => store.beginUpload(size, size + 1, { name: "uploads" }), 9 * MiB)
    const list = () => tab.evaluate(() => store.list({ name: "uploads" }))
    expect((await list()).usedBytes).toBe(500)
    await restart()
    // The browser takes back what a tab held a moment after it has closed it.
    await expect.poll(async () => (await list()).usedBytes).toBe(500 + 9 * MiB)
    expect((await list()).models).toMatchObject([{ pinned: true, owners: ["https://a.example"] }])
    await tab.evaluate(() => store.deleteAll({ name: "uploads" }))
    expect((await list()).usedBytes).toBe(0)
    expect(await tab.evaluate(() => store.folders("uploads"))).toEqual([])
  })

  test("where the browser gives no more room, a model is refused with that code, nothing of it stays, nothing else is lost, and it is had once there is room", async () => {
    const small = server.serve("/small.onnx", { bytes: someBytes(1000) })
    const bytes = someBytes(20 * MiB)
    const url = server.serve("/large.onnx", { bytes })
    await load(tab, small, "full")
    const folders = () => tab.evaluate(() => store.folders("full"))
    const [only] = await folders()
    const devtools = await context.newCDPSession(tab)
    const { usage } = await devtools.send("Storage.getUsageAndQuota", { origin: served.url })
    const limit = { origin: served.url, quotaSize: usage + 9 * MiB }
    await devtools.send("Storage.overrideQuotaForOrigin", limit)
    // Where a write is told of the limit while its bytes are still on their way, Chromium says something else, once in five times.
    for (let i = 0; i < 12; i++) expect(await load(tab, url, "full")).toMatchObject({ code: "IPFA_STORE_QUOTA" })
    expect(await folders()).toEqual([only])
    expect(await load(tab, small, "full")).toMatchObject({ stored: true, bytes: 1000 })
    await devtools.send("Storage.overrideQuotaForOrigin", { origin: served.url })
    expect(await load(tab, url, "full")).toMatchObject({ sha256: sha256(bytes) })
  })

  test("what a full disk has no room for in a database is refused with that code, what was kept stays, and it is kept once there is room", async () => {
    const keep = (value: string) => tab.evaluate((v) => store.keep("no room", v), value)
    const kept = () => tab.evaluate(() => store.kept("no room"))
    await versioned("no room", 1)
    expect(await keep("first")).toEqual([undefined, undefined])
    await tab.evaluate(() => disk.fill())
    expect(await keep("second")).toEqual(["IPFA_STORE_QUOTA", "IPFA_STORE_QUOTA"])
    expect(await versioned("no room", 2)).toBe("IPFA_STORE_QUOTA")
    await tab.evaluate(() => disk.free())
    expect(await kept()).toEqual(["first", "first"])
    expect(await versioned("no room", 1)).toEqual([{ id: 1 }])
    expect(await keep("second")).toEqual([undefined, undefined])
    expect(await kept()).toEqual(["second", "second"])
    expect(await versioned("no room", 2)).toEqual([{ id: 1, colour: "red" }])
  })

  test("a write that the browser breaks off is a fault with its reason, not a job that somebody cancelled", async () => {
    const url = server.serve("/broken.onnx", { bytes: someBytes(1000) })
    const other = await open()
    await other.evaluate(() => {
      FileSystemWritableFileStream.prototype.write = () =>
        Promise.reject(new DOMException("Failed to write data to data pipe", "AbortError"))
    })
    expect(await load(other, url, "broken")).toMatchObject({ code: "IPFA_INTERNAL" })
    await other.close()
    expect(await load(tab, url, "broken")).toMatchObject({ sha256: sha256(someBytes(1000)) })
  })

  test("bytes that are not the ones named leave nothing on disk", async () => {
    const url = `${server.serve("/wrong.onnx", { bytes: someBytes(1000) })}#sha256=${"0".repeat(64)}`
    expect(await load(tab, url, "wrong")).toMatchObject({ code: "IPFA_MODEL_DIGEST" })
    expect(await tab.evaluate(() => store.folders("wrong"))).toEqual([])
  })

  test("rows that the disk has no room for are lost, the others of the log are read and the newest of them kept", async () => {
    const faults: Error[] = []
    tab.on("pageerror", (error) => faults.push(error))
    const rows = () => tab.evaluate(() => logs.rows())
    await tab.evaluate(() => logs.add(1))
    expect(await rows()).toEqual([1])
    await tab.evaluate(() => logs.fill())
    await tab.evaluate(() => logs.add(2))
    expect(await rows()).toEqual([1])
    await tab.evaluate(() => logs.free())
    await tab.evaluate(() => {
      for (const row of [3, 4, 5]) logs.add(row)
    })
    expect(await rows()).toEqual([3, 4, 5])
    expect(faults).toEqual([])
  })

  test("deleting everything tries what is in use three times, deletes the rest and says what stayed; the next time it goes", async () => {
    const other = await open()
    await other.evaluate(() => erasing.hold("held"))
    await load(tab, server.serve("/erased.onnx", { bytes: someBytes(1000) }), "erased")
    await versioned("erased", 1)
    await tab.evaluate(() => caches.open("erased"))
    let starts = 0
    tab.on("load", () => starts++)
    const erase = async () => {
      starts = 0
      await tab.evaluate(() => erasing.begin())
      const left = await tab.waitForFunction(() => (globalThis as { erasing?: Erasing }).erasing?.left)
      return [await left.jsonValue(), starts, await tab.evaluate(() => erasing.kept())]
    }
    expect(await erase()).toEqual([["held"], 3, ["held"]])
    await other.close()
    expect(await erase()).toEqual([[], 1, []])
    await tab.evaluate(() => (window.name = "stuck"))
    expect(await erase()).toEqual([["storage.local"], 3, []])
    await tab.evaluate(() => (window.name = ""))
    expect(await erase()).toEqual([[], 1, []])
  })
})
