import { writeFile } from "node:fs/promises"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { nodeHttp } from "../../engine/resolve/http-node.ts"
import type { ByteStore, LinkStore } from "../../engine/store/byte-store.ts"
import { type LibraryOptions, ModelLibrary } from "../../engine/store/library.ts"
import { memoryLinks, memoryStore } from "../../engine/store/memory.ts"
import { Room } from "../../engine/store/room.ts"
import { Uploads } from "../../engine/store/uploads.ts"
import type { Progress } from "../../protocol/index.ts"
import { type ModelServer, modelServer } from "../support/model-server.ts"
import { codeOf, milestones, type StoreCase, sha256, someBytes, storeCases } from "../support/store-cases.ts"

const owner = { owner: "https://a.example" }
const other = { owner: "https://b.example" }

let server: ModelServer
beforeAll(async () => {
  server = await modelServer()
})
afterAll(() => server.close())
beforeEach(() => {
  server.requests.length = 0
})

describe.each(storeCases)("in a $name store", ({ make }) => {
  let place: StoreCase
  let opened: { store: ByteStore; links: LinkStore }
  beforeEach(async () => {
    place = await make()
  })
  afterEach(() => place.remove())

  /** A library over the place, as a new process would open it. */
  const library = (options: Partial<LibraryOptions> = {}) =>
    new ModelLibrary(
      async () => {
        opened = await place.open()
        return opened
      },
      { http: nodeHttp(), allowLoopback: true },
      { quotaBytes: 10 ** 9, revalidateMs: 0, ...options },
    )

  test("a model is downloaded once, verified, and survives a restart", async () => {
    const bytes = someBytes(300_000)
    const url = server.serve("/m.onnx", { bytes, etag: '"1"' })
    const progress: Progress[] = []
    const first = await library().acquire(url, owner, { onProgress: (p) => progress.push(p) })
    expect(first).toMatchObject({ reference: url, sha256: sha256(bytes), bytes: bytes.byteLength, stored: false })
    expect(sha256(await first.read())).toBe(sha256(bytes))
    expect(progress[0]).toEqual({ phase: "download", loaded: 0, total: bytes.byteLength })
    expect(progress.at(-2)).toEqual({ phase: "download", loaded: bytes.byteLength, total: bytes.byteLength })
    expect(progress.at(-1)?.phase).toBe("verify")

    const second = await library().acquire(url, owner)
    expect(second.stored).toBe(true)
    expect(sha256(await second.read())).toBe(sha256(bytes))
    expect(server.requests.map((r) => r.method)).toEqual(["GET", "HEAD"])
  })

  test("a smaller limit removes what was used least recently, and a network that is metered brings nothing new", async () => {
    const [a, b] = [someBytes(1000), someBytes(1001)]
    const [first, second] = [server.serve("/a.onnx", { bytes: a }), server.serve("/b.onnx", { bytes: b })]
    let mayDownload = true
    const it = library({ mayDownload: () => mayDownload, revalidateMs: 10 ** 9, keepsFor: () => false })
    await (await it.acquire(first, owner)).read()
    await (await it.acquire(second, owner)).read()
    await it.limit(1500)
    expect((await it.list()).models.map(({ sha256: digest }) => digest)).toEqual([sha256(b)])
    expect((await it.list()).quotaBytes).toBe(1500)
    mayDownload = false
    expect(await codeOf(it.acquire(first, owner))).toBe("IPFA_MODEL_METERED")
    expect((await it.acquire(second, owner)).stored).toBe(true)
  })

  test("a smaller limit removes nothing that somebody comes for meanwhile, and no upload's owner learns that another brings it anew", async () => {
    let atDelete = async (_digest: string) => {}
    const opening = async () => {
      const { store, links } = await place.open()
      const wrapped: ByteStore = Object.assign(Object.create(store) as ByteStore, {
        delete: async (digest: string) => {
          await store.delete(digest)
          await atDelete(digest)
        },
      })
      return { store: wrapped, links }
    }
    const it = new ModelLibrary(
      opening,
      { http: nodeHttp(), allowLoopback: true },
      { quotaBytes: 10 ** 9, revalidateMs: 10 ** 9, keepsFor: () => false },
    )
    const put = (whose: { owner: string }, n: number) =>
      it.put(whose, { uploadId: `${n}`, offset: 0, total: 1000, bytes: someBytes(1000, n) })
    await put(owner, 0)
    const url = server.serve("/b.onnx", { bytes: someBytes(1000, 1) })
    await (await it.acquire(url, owner)).read()
    // While the first goes, somebody comes for the second.
    const come = Promise.withResolvers<Awaited<ReturnType<typeof it.acquire>>>()
    atDelete = async () => come.resolve(await it.acquire(url, owner))
    await it.limit(500)
    expect(sha256(await (await come.promise).read())).toBe(sha256(someBytes(1000, 1)))
    await it.limit(10 ** 9)
    await put(other, 0)
    expect(await codeOf(it.acquire(`sha256:${sha256(someBytes(1000, 0))}`, owner))).toBe("IPFA_MODEL_NOT_FOUND")
  })

  test("what the person brings in is for whoever may name it, and is read back as it came", async () => {
    const bytes = someBytes(1000)
    const it = library()
    const part = { uploadId: "u", offset: 0, total: bytes.byteLength, bytes }
    const { reference } = await it.put({ owner: "owner", shares: true }, part)
    expect(reference).toBe(`sha256:${sha256(bytes)}`)
    expect(sha256(await (await it.acquire(reference as string, other)).read())).toBe(sha256(bytes))
    expect((await it.list()).models).toMatchObject([{ owners: [], broughtBy: ["owner"], pinned: true }])
    expect(sha256(await it.read(sha256(bytes)))).toBe(sha256(bytes))
    expect(await codeOf(it.read("0".repeat(64)))).toBe("IPFA_MODEL_NOT_FOUND")
  })

  test("a site's models are deleted, but for those that another brought as well", async () => {
    const [mine, both] = [someBytes(1000), someBytes(1001)]
    const it = library()
    const put = (who: { owner: string }, bytes: Uint8Array) =>
      it.put(who, { uploadId: "u", offset: 0, total: bytes.byteLength, bytes })
    await it.acquire(server.serve("/mine.onnx", { bytes: mine }), owner)
    await put(owner, both)
    await put(other, both)
    expect(await it.clear(owner.owner)).toBe(1)
    expect((await it.list()).models).toMatchObject([{ sha256: sha256(both), owners: [other.owner] }])
    expect(await codeOf(it.acquire(`sha256:${sha256(both)}`, owner))).toBe("IPFA_MODEL_NOT_FOUND")
  })

  test("all models are deleted, with what came of others in part, but for one that is on its way", async () => {
    const it = library()
    await it.put(owner, { uploadId: "u", offset: 0, total: 1000, bytes: someBytes(1000) })
    await it.acquire(server.serve("/shared.onnx", { bytes: someBytes(1001) }), other)
    const cut = await opened.store.openPartial("cut off")
    await cut.append(someBytes(500))
    await cut.release()
    await it.put(owner, { uploadId: "v", offset: 0, total: 1002, bytes: someBytes(1002).slice(0, 502) })
    expect((await it.list()).usedBytes).toBe(1000 + 1001 + 500)
    await it.deleteAll()
    expect(await it.list()).toMatchObject({ models: [], usedBytes: 0 })
    expect(await opened.links.load()).toEqual([])
    expect(await opened.store.abandoned()).toEqual([])
    const end = { uploadId: "v", offset: 502, total: 1002, bytes: someBytes(1002).slice(502) }
    expect(await it.put(owner, end)).toMatchObject({ reference: `sha256:${sha256(someBytes(1002))}` })
  })

  test("what read gives is the caller's own", async () => {
    const bytes = someBytes(1000)
    const model = await library().acquire(server.serve("/own.onnx", { bytes }), owner)
    ;(await model.read()).fill(0)
    const again = await model.read()
    expect(sha256(again)).toBe(sha256(bytes))
    expect(again.byteLength).toBe(again.buffer.byteLength)
  })

  test("a pinned model is not asked for again", async () => {
    const bytes = someBytes(1000)
    const url = `${server.serve("/pinned.onnx", { bytes })}#sha256=${sha256(bytes)}`
    await library().acquire(url, owner)
    expect((await library().acquire(url, owner)).stored).toBe(true)
    expect(server.requests).toHaveLength(1)
  })

  test("bytes that are not the ones named are refused and not kept", async () => {
    const url = server.serve("/wrong.onnx", { bytes: someBytes(1000, 1) })
    const models = library()
    const pinned = `${url}#sha256=${sha256(someBytes(1000, 2))}`
    expect(await codeOf(models.acquire(pinned, owner))).toBe("IPFA_MODEL_DIGEST")
    expect((await models.list()).models).toEqual([])
    expect(await opened.store.abandoned()).toEqual([])
  })

  test("an address whose bytes changed is an error until the person deletes what was first", async () => {
    const first = someBytes(1000, 1)
    const url = server.serve("/changed.onnx", { bytes: first, etag: '"1"' })
    const models = library()
    await models.acquire(url, owner)
    server.serve("/changed.onnx", { bytes: someBytes(1000, 2), etag: '"2"' })
    expect(await codeOf(models.acquire(url, owner))).toBe("IPFA_MODEL_CHANGED")
    server.requests.length = 0
    expect(await codeOf(models.acquire(url, owner))).toBe("IPFA_MODEL_CHANGED")
    expect(server.requests.map((r) => r.method)).toEqual(["HEAD"])
    expect(await models.delete(sha256(first))).toBe(true)
    expect((await models.acquire(url, owner)).sha256).toBe(sha256(someBytes(1000, 2)))
  })

  test("trust in the first bytes outlives their eviction", async () => {
    const url = server.serve("/evicted.onnx", { bytes: someBytes(1000, 1), etag: '"1"' })
    const models = library()
    await models.acquire(url, owner)
    await opened.store.delete(sha256(someBytes(1000, 1)))
    server.serve("/evicted.onnx", { bytes: someBytes(1000, 2), etag: '"2"' })
    expect(await codeOf(models.acquire(url, owner))).toBe("IPFA_MODEL_CHANGED")
  })

  test("the same bytes under a new version are the same model", async () => {
    const bytes = someBytes(1000)
    const url = server.serve("/touched.onnx", { bytes, etag: '"1"' })
    const models = library()
    await models.acquire(url, owner)
    server.serve("/touched.onnx", { bytes, etag: '"2"' })
    expect((await models.acquire(url, owner)).sha256).toBe(sha256(bytes))
    expect((await models.acquire(url, owner)).stored).toBe(true)
  })

  test("a stored model is served while its server is down", async () => {
    const gone = await modelServer()
    const url = gone.serve("/m.onnx", { bytes: someBytes(1000) })
    await library().acquire(url, owner)
    await gone.close()
    expect((await library().acquire(url, owner)).stored).toBe(true)
  })

  test("a download that is cut off goes on where it ended, within one request", async () => {
    const bytes = someBytes(500_000)
    const { at: when, onProgress } = milestones()
    const url = server.serve("/cut.onnx", { bytes, etag: '"1"', cut: { after: 150_000, times: 3, when } })
    const model = await library().acquire(url, owner, { onProgress })
    expect(sha256(await model.read())).toBe(sha256(bytes))
    expect(server.requests.map((r) => r.headers.range)).toEqual([
      undefined,
      "bytes=150000-",
      "bytes=300000-",
      "bytes=450000-",
    ])
    for (const request of server.requests.slice(1)) expect(request.headers["if-range"]).toBe('"1"')
  })

  test("a download that was given up goes on in a later life", async () => {
    const bytes = someBytes(500_000)
    let open = () => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    const url = server.serve("/later.onnx", { bytes, etag: '"1"', gate: { after: 300_000, opened } })
    const abort = new AbortController()
    const arrived = Promise.withResolvers<void>()
    const first = library().acquire(url, owner, {
      signal: abort.signal,
      onProgress: (p) => p.loaded === 300_000 && arrived.resolve(),
    })
    await arrived.promise
    abort.abort()
    expect(await codeOf(first)).toBe("IPFA_JOB_CANCELLED")
    open()
    const seen: number[] = []
    const again = library()
    // The given-up download lets go of its bytes in its own time.
    await expect.poll(async () => (await place.open()).store.abandoned()).toMatchObject([{ bytes: 300_000 }])
    const model = await again.acquire(url, owner, { onProgress: (p) => seen.push(p.loaded) })
    expect(seen[0]).toBe(300_000)
    expect(server.requests.at(-1)?.headers.range).toBe("bytes=300000-")
    expect(sha256(await model.read())).toBe(sha256(bytes))
  })

  test("a server whose content changed meanwhile, or that knows no ranges, sends all of it", async () => {
    for (const [path, resource] of [
      ["/swapped.onnx", { etag: '"2"' }],
      ["/no-ranges.onnx", { etag: '"1"', ranges: false }],
      ["/no-conditions.onnx", { etag: '"2"', conditions: false }],
    ] as const) {
      const { at, onProgress } = milestones()
      const when = async (offset: number) => {
        await at(offset)
        server.serve(path, { bytes: someBytes(200_000, 2), ...resource })
      }
      const bytes = someBytes(200_000, 1)
      const url = server.serve(path, { bytes, etag: '"1"', cut: { after: 90_000, times: 1, when } })
      const model = await library().acquire(url, owner, { onProgress })
      expect(sha256(await model.read())).toBe(sha256(someBytes(200_000, 2)))
    }
  })

  test("a resumed download with the wrong digest is made once more from the start", async () => {
    const bytes = someBytes(200_000, 2)
    // A server that keeps the same ETag for other bytes.
    const { at, onProgress } = milestones()
    const when = async (offset: number) => {
      await at(offset)
      server.serve("/lies.onnx", { bytes, etag: '"1"' })
    }
    const cut = { after: 90_000, times: 1, when }
    const url = server.serve("/lies.onnx", { bytes: someBytes(200_000, 1), etag: '"1"', cut })
    const model = await library().acquire(`${url}#sha256=${sha256(bytes)}`, owner, { onProgress })
    expect(sha256(await model.read())).toBe(sha256(bytes))
    expect(server.requests.map((r) => r.headers.range)).toEqual([undefined, "bytes=90000-", undefined])
  })

  test("a download that never gets on ends with an error that says so", async () => {
    const url = server.serve("/stuck.onnx", { bytes: someBytes(1000), cut: { after: 0, times: 99 } })
    expect(await codeOf(library().acquire(url, owner))).toBe("IPFA_MODEL_FETCH")
    const silent = server.serve("/silent.onnx", {
      bytes: someBytes(1000),
      gate: { after: 10, opened: new Promise(() => {}) },
    })
    expect(await codeOf(library({ stallMs: 30 }).acquire(silent, owner))).toBe("IPFA_MODEL_FETCH")
  })

  test("a body without a length is taken whole; an empty one is refused", async () => {
    const bytes = someBytes(2_500_000)
    const url = server.serve("/chunked.onnx", { bytes, chunked: true })
    expect(sha256(await (await library().acquire(url, owner)).read())).toBe(sha256(bytes))
    const empty = server.serve("/empty.onnx", { bytes: new Uint8Array() })
    expect(await codeOf(library().acquire(empty, owner))).toBe("IPFA_MODEL_FETCH")
  })

  test.each([
    [404, "IPFA_MODEL_NOT_FOUND"],
    [410, "IPFA_MODEL_NOT_FOUND"],
    [401, "IPFA_MODEL_FETCH"],
    [500, "IPFA_MODEL_FETCH"],
  ])("a server that answers %d is %s", async (status, code) => {
    const url = server.answer("/status.onnx", (_, response) => void response.writeHead(status).end("no"))
    expect(await codeOf(library().acquire(url, owner))).toBe(code)
  })

  test("a model over the size limit is refused, announced or not", async () => {
    for (const chunked of [false, true]) {
      const url = server.serve("/large.onnx", { bytes: someBytes(2000), chunked })
      const models = library({ maxModelBytes: 1999 })
      expect(await codeOf(models.acquire(url, owner))).toBe("IPFA_MODEL_TOO_LARGE")
      expect(await opened.store.abandoned()).toEqual([])
    }
  })

  test("two callers at once share one download, and one that gives up does not end the other's", async () => {
    const bytes = someBytes(400_000)
    const gate = Promise.withResolvers<void>()
    const url = server.serve("/shared.onnx", { bytes, gate: { after: 100_000, opened: gate.promise } })
    const models = library()
    const abort = new AbortController()
    const begun = Promise.withResolvers<void>()
    const first = models.acquire(url, owner, {
      signal: abort.signal,
      onProgress: (p) => p.loaded > 0 && begun.resolve(),
    })
    await begun.promise
    const seen: Progress[] = []
    const second = models.acquire(url, owner, { onProgress: (p) => seen.push(p) })
    await expect.poll(() => seen.length).toBeGreaterThan(0)
    abort.abort()
    expect(await codeOf(first)).toBe("IPFA_JOB_CANCELLED")
    gate.resolve()
    expect(sha256(await (await second).read())).toBe(sha256(bytes))
    expect(server.requests).toHaveLength(1)
  })

  test("damaged bytes are removed, and can be downloaded again", async () => {
    const bytes = someBytes(1000)
    const url = server.serve("/damaged.onnx", { bytes, etag: '"1"' })
    await library().acquire(url, owner)
    const { store } = await place.open()
    if (store.path) await writeFile(store.path(sha256(bytes)), someBytes(1000, 9))
    else {
      const read = store.read
      store.read = async (name) => (await read(name))?.fill(0)
    }
    const models = library()
    const acquired = models.acquire(url, owner)
    // A file is verified before its path is given away, bytes when they are read.
    const damaged = store.path ? acquired : acquired.then((model) => model.read())
    expect(await codeOf(damaged)).toBe("IPFA_STORE_CORRUPT")
    expect((await models.list()).models).toEqual([])
    if (!store.path) Object.assign(store, { read: (await make().then((p) => p.open())).store.read })
    expect((await models.acquire(url, owner)).stored).toBe(false)
  })

  test("bytes that went after a model was acquired are said to be gone, not damaged, and can be had again", async () => {
    const url = server.serve("/gone.onnx", { bytes: someBytes(1000, 7), etag: '"1"' })
    const models = library()
    const model = await models.acquire(url, owner)
    await models.delete(model.sha256)
    expect(await codeOf(model.read())).toBe("IPFA_MODEL_NOT_FOUND")
    expect((await (await models.acquire(url, owner)).read()).byteLength).toBe(1000)
  })

  test("what was used least recently makes room, pinned uploads don't", async () => {
    const models = library({ quotaBytes: 4000, revalidateMs: 10 ** 9 })
    const load = async (n: number) => {
      const model = await models.acquire(server.serve(`/${n}.onnx`, { bytes: someBytes(1000, n) }), {
        owner: "bridge",
      })
      await model.read()
      return model
    }
    const bytes = someBytes(1000, 0)
    await models.put(owner, { uploadId: "u", offset: 0, total: 1000, bytes })
    // Loopback addresses are pinned as uploads are; what is shared is not.
    const { links } = opened
    const share = async () => {
      for (const link of await links.load())
        if (link.kind === "reference") await links.update({ ...link, pinned: false })
    }
    await load(1)
    await tick()
    await load(2)
    await tick()
    await load(3)
    await tick()
    await load(1)
    await share()
    await load(4)
    const stored = (await models.list()).models.map((model) => model.sha256)
    expect(stored.sort()).toEqual([0, 1, 3, 4].map((n) => sha256(someBytes(1000, n))).sort())
  })

  test("an upload makes room once nothing is kept for its owner any more; who had it learns nothing of others who bring it later", async () => {
    const kept = new Set([owner.owner])
    const models = library({ quotaBytes: 2500, keepsFor: (name) => kept.has(name) })
    const bytes = someBytes(1000, 0)
    const put = (whose: { owner: string }, n: number) =>
      models.put(whose, { uploadId: `${n}`, offset: 0, total: 1000, bytes: someBytes(1000, n) })
    await put(owner, 0)
    kept.add(other.owner)
    await put(other, 1)
    expect(await codeOf(put(other, 2))).toBe("IPFA_STORE_QUOTA")
    kept.delete(owner.owner)
    expect((await models.list()).models).toContainEqual(
      expect.objectContaining({ owners: [owner.owner], pinned: false }),
    )
    await put(other, 2)
    const reference = `sha256:${sha256(bytes)}`
    expect(await codeOf(models.acquire(reference, owner))).toBe("IPFA_MODEL_NOT_FOUND")
    kept.add(owner.owner)
    kept.delete(other.owner)
    await put(other, 0)
    expect(await codeOf(models.acquire(reference, owner))).toBe("IPFA_MODEL_NOT_FOUND")
    expect((await models.acquire(reference, other)).bytes).toBe(1000)
  })

  test("what is lent makes room like what is shared, but not before it could be opened", async () => {
    vi.useFakeTimers({ toFake: ["Date"] })
    const bridge = { owner: "bridge:127.0.0.1:1", lends: true }
    const models = library({ quotaBytes: 2500 })
    const put = (whose: { owner: string }, n: number) =>
      models.put(whose, { uploadId: `${n}`, offset: 0, total: 1000, bytes: someBytes(1000, n) })
    const lent = (await put(bridge, 0)).reference as string
    expect((await models.list()).models).toMatchObject([{ owners: [bridge.owner], pinned: false }])
    await put(owner, 1)
    expect(await codeOf(put(owner, 2))).toBe("IPFA_STORE_QUOTA")
    vi.setSystemTime(Date.now() + 16_000)
    expect((await models.acquire(lent, bridge)).bytes).toBe(1000)
    vi.setSystemTime(Date.now() + 16_000)
    await put(owner, 2)
    expect(await codeOf(models.acquire(lent, bridge))).toBe("IPFA_MODEL_NOT_FOUND")
    vi.useRealTimers()
  })

  test("what two have come for makes no room once one of them has read it, but once both have", async () => {
    const models = library({ quotaBytes: 2500, revalidateMs: 10 ** 9, keepsFor: () => false })
    const load = (n: number) => models.acquire(server.serve(`/${n}.onnx`, { bytes: someBytes(1000, n) }), owner)
    const [one, two] = [await load(1), await load(1)]
    await (await load(2)).read()
    await one.read()
    await one.read()
    // Used less recently than the other, which goes instead.
    await (await load(3)).read()
    expect(sha256(await two.read())).toBe(sha256(someBytes(1000, 1)))
    await (await load(4)).read()
    expect((await models.list()).models.map((model) => model.sha256).sort()).toEqual(
      [3, 4].map((n) => sha256(someBytes(1000, n))).sort(),
    )
  })

  test("what can't fit is refused, and nothing was removed for it", async () => {
    const models = library({ quotaBytes: 2500 })
    const small = await models.acquire(server.serve("/s.onnx", { bytes: someBytes(1000) }), owner)
    await small.read()
    const large = server.serve("/l.onnx", { bytes: someBytes(3000) })
    expect(await codeOf(models.acquire(large, owner))).toBe("IPFA_STORE_QUOTA")
    expect((await models.list()).models).toHaveLength(1)
    expect(await opened.store.abandoned()).toEqual([])
  })

  test("an owner's limit binds that owner only", async () => {
    const models = library()
    const limited = { ...owner, storeBytes: 1500 }
    const bytes = someBytes(1000, 1)
    await models.put(limited, { uploadId: "u", offset: 0, total: 1000, bytes })
    const part = { uploadId: "v", offset: 0, total: 1000, bytes: someBytes(1000, 2) }
    expect(await codeOf(models.put(limited, part))).toBe("IPFA_STORE_QUOTA")
    expect(await models.put(other, part)).toMatchObject({ received: 1000 })
  })

  test("a caller with room is not failed by one without that began the same download", async () => {
    const models = library()
    const gate = Promise.withResolvers<void>()
    const bytes = someBytes(2_000_000)
    const url = server.serve("/room.onnx", { bytes, chunked: true, gate: { after: 10, opened: gate.promise } })
    const begun = milestones()
    const poor = codeOf(models.acquire(url, { ...owner, storeBytes: 1_500_000 }, { onProgress: begun.onProgress }))
    await begun.at(10)
    const joined = milestones()
    const rich = models.acquire(url, owner, { onProgress: joined.onProgress })
    await joined.at(10)
    gate.resolve()
    expect(await poor).toBe("IPFA_STORE_QUOTA")
    expect((await rich).bytes).toBe(bytes.byteLength)
  })

  test("an upload comes by parts, belongs to its owner, is pinned and survives a restart", async () => {
    const bytes = someBytes(2500)
    const models = library()
    const put = (offset: number, end: number) =>
      models.put(owner, { uploadId: "u", offset, total: 2500, bytes: bytes.subarray(offset, end) })
    expect(await put(0, 1000)).toEqual({ received: 1000 })
    expect(await put(1000, 2000)).toEqual({ received: 2000 })
    const reference = `sha256:${sha256(bytes)}`
    expect(await put(2000, 2500)).toEqual({ received: 2500, reference })
    const model = await library().acquire(reference, owner)
    expect(sha256(await model.read())).toBe(sha256(bytes))
    expect((await models.list()).models).toMatchObject([{ owners: [owner.owner], pinned: true, bytes: 2500 }])
  })

  test.each([
    ["begins in the middle", [{ offset: 10, total: 100, length: 10 }]],
    [
      "has a gap",
      [
        { offset: 0, total: 100, length: 10 },
        { offset: 20, total: 100, length: 10 },
      ],
    ],
    [
      "changes its total",
      [
        { offset: 0, total: 100, length: 10 },
        { offset: 10, total: 50, length: 10 },
      ],
    ],
    ["passes its total", [{ offset: 0, total: 100, length: 101 }]],
    ["has no bytes", [{ offset: 0, total: 0, length: 0 }]],
    ["has an empty part", [{ offset: 0, total: 100, length: 0 }]],
  ])("an upload that %s is refused and leaves nothing", async (_, parts) => {
    const models = library()
    const codes = []
    for (const { length, ...part } of parts)
      codes.push(await codeOf(models.put(owner, { uploadId: "u", ...part, bytes: someBytes(length) })))
    expect(codes.at(-1)).toBe("IPFA_MODEL_UPLOAD")
    expect((await models.list()).models).toEqual([])
    expect(await opened.store.abandoned()).toEqual([])
  })

  test("uploads that begin at the same time count as many: no more than four", async () => {
    const models = library()
    const begin = (n: number) =>
      models.put(owner, { uploadId: `${n}`, offset: 0, total: 100, bytes: someBytes(10, n) }).then(
        () => undefined,
        (error) => error.code,
      )
    const codes = await Promise.all([1, 2, 3, 4, 5, 6].map(begin))
    expect(codes).toEqual([undefined, undefined, undefined, undefined, "IPFA_MODEL_UPLOAD", "IPFA_MODEL_UPLOAD"])
  })

  test("S9: sha256: of another's upload answers as one that does not exist, after the same work", async () => {
    const bytes = someBytes(1000)
    const models = library()
    await models.put(owner, { uploadId: "u", offset: 0, total: 1000, bytes })
    const { store, links } = opened
    const calls: string[] = []
    for (const part of [store, links] as unknown as Record<string, unknown>[])
      for (const [name, method] of Object.entries(part))
        if (typeof method === "function")
          part[name] = (...args: unknown[]) => {
            calls.push(name)
            return (method as (...args: unknown[]) => unknown).apply(part, args)
          }
    const ask = async (reference: string) => {
      calls.length = 0
      const error = await models.acquire(reference, other).catch((e) => e)
      return { code: error.code, message: error.message, data: error.data, calls: [...calls] }
    }
    const theirs = await ask(`sha256:${sha256(bytes)}`)
    expect(theirs.code).toBe("IPFA_MODEL_NOT_FOUND")
    expect(theirs.calls.length).toBeGreaterThan(0)
    expect(await ask(`sha256:${"0".repeat(64)}`)).toEqual(theirs)
    expect((await models.acquire(`sha256:${sha256(bytes)}`, owner)).stored).toBe(true)
  })

  test("a public address is shared by reference, and by its digest with those who may name that", async () => {
    const bytes = someBytes(1000)
    const local = new URL(server.serve("/public.onnx", { bytes, etag: '"1"' }))
    const http = nodeHttp()
    // The one thing a test can't have is a public server: its requests go to loopback.
    const request: typeof http.request = (url, call) => {
      expect(new URL(url).host).toBe("models.example.com")
      return http.request(local.href, { ...call, loopback: true })
    }
    const models = new ModelLibrary(
      place.open,
      { http: { ...http, request }, allowLoopback: false },
      { quotaBytes: 10 ** 9 },
    )
    const url = "https://models.example.com/public.onnx"
    const [first, second] = await Promise.all([models.acquire(url, owner), models.acquire(url, other)])
    expect([first.stored, second.stored]).toEqual([false, false])
    expect(server.requests).toHaveLength(1)
    expect((await models.acquire(url, { owner: "https://c.example" })).stored).toBe(true)
    expect((await models.acquire(`sha256:${sha256(bytes)}`, { owner: "https://c.example" })).stored).toBe(true)
    expect((await models.list()).models).toMatchObject([{ references: [url], owners: [], pinned: false }])
  })

  test("what came from a loopback address is its owner's alone", async () => {
    const url = server.serve("/mine.onnx", { bytes: someBytes(1000) })
    const models = library()
    await models.acquire(url, owner)
    expect((await models.acquire(url, other)).stored).toBe(false)
    expect(await codeOf(models.acquire(`sha256:${sha256(someBytes(1000))}`, { owner: "https://c.example" }))).toBe(
      "IPFA_MODEL_NOT_FOUND",
    )
  })
})

/** File times have a resolution. */
const tick = () => new Promise((resolve) => setTimeout(resolve, 5))

test("an upload that brings nothing more gives back the room it was promised, whether or not another is begun", async () => {
  vi.useFakeTimers()
  try {
    const store = memoryStore()
    const room = new Room(store, memoryLinks(), 1500, () => true)
    const uploads = new Uploads(store, room, 10_000)
    const part = { uploadId: "u", offset: 0, total: 1000, bytes: someBytes(10) }
    await uploads.put(owner, part, async () => undefined)
    const ticket = room.ticket(other)
    expect(await codeOf(room.reserve(ticket, 1000, 0))).toBe("IPFA_STORE_QUOTA")
    await vi.advanceTimersByTimeAsync(20 * 60_000)
    await room.reserve(ticket, 1000, 0)
    expect(await codeOf(uploads.put(owner, { ...part, offset: 10 }, async () => undefined))).toBe("IPFA_MODEL_UPLOAD")
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test("four uploads left unfinished keep their owner from a fifth for seconds, not minutes, and one that goes on stays", async () => {
  vi.useFakeTimers()
  try {
    const uploads = new Uploads(memoryStore(), new Room(memoryStore(), memoryLinks(), 4000, () => true), 10_000)
    const put = (uploadId: string, offset: number) =>
      codeOf(uploads.put(owner, { uploadId, offset, total: 1000, bytes: someBytes(10) }, async () => undefined))
    for (const id of ["a", "b", "c", "d"]) await put(id, 0)
    expect(await put("e", 0)).toBe("IPFA_MODEL_UPLOAD")
    await vi.advanceTimersByTimeAsync(10_000)
    await put("a", 10)
    expect([await put("e", 0), await put("a", 20), await put("c", 10), await put("d", 10)]).toEqual(
      Array(4).fill(undefined),
    )
    expect(await put("b", 10)).toBe("IPFA_MODEL_UPLOAD")
  } finally {
    vi.useRealTimers()
  }
})
