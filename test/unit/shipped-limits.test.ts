import { setImmediate } from "node:timers/promises"
import { afterEach, expect, test } from "vitest"
import { nodeHttp } from "../../engine/resolve/http-node.ts"
import { ModelLibrary } from "../../engine/store/library.ts"
import { memoryLinks, memoryStore } from "../../engine/store/memory.ts"
import { Gate } from "../../extension/gate/gate.ts"
import { memoryGrants } from "../../extension/gate/grant-store.ts"
import { Prompts } from "../../extension/gate/prompts.ts"
import { DEFAULT_LIMITS } from "../../extension/gate/terms.ts"
import { Pages } from "../../extension/supervisor/pages.ts"
import { memoryPorts, Peer, type Tensor } from "../../protocol/index.ts"
import { adderHost, adderModel, floats } from "../support/adder.ts"
import { keptId, refusal, type TestPool, testPool, value } from "../support/pool.ts"

// The numbers that docs/security.md promises (6), at the pool and the supervisor as they ship: nothing here is set lower, and what is set
// higher, so that another limit does not come first, says so.

let t: TestPool | undefined
afterEach(() => t?.close())

test("a connection has 1,024 sessions", async () => {
  t = testPool([adderHost("wasm")])
  const [page, other] = [t.connect(), t.connect()]
  const model = t.publish("one", adderModel(1))
  for (let i = 0; i < 1024; i++) await page.open(model)
  expect(await refusal(page.open(model))).toBe("IPFA_QUEUE_FULL")
  await other.open(model)
})

test("a connection has 1,024 sessions, however many of them are asked for at once", async () => {
  const wasm = adderHost("wasm")
  t = testPool([wasm])
  const page = t.connect()
  await page.open(t.publish("one", adderModel(1)))
  wasm.hold("open")
  const two = t.publish("two", adderModel(2))
  const asked = Array.from({ length: 1024 }, () =>
    page.open(two).then(
      () => "open",
      (error) => error.code,
    ),
  )
  await wasm.begun(2, "open")
  wasm.letGo()
  expect((await Promise.all(asked)).filter((outcome) => outcome !== "open")).toEqual(["IPFA_QUEUE_FULL"])
})

test("512 jobs of one origin wait for a device, those beyond are refused", async () => {
  const wasm = adderHost("wasm")
  t = testPool([wasm])
  const page = t.connect()
  const { sessionId } = await page.open(t.publish("one", adderModel(1)))
  wasm.hold()
  const outcomes = Array.from({ length: 600 }, () => page.run(sessionId).catch((error) => error.code as string))
  await wasm.begun(1)
  const { jobs } = await page.peer.call("status.get", {})
  expect(jobs.waiting).toBe(512)
  wasm.letGo()
  const refused = (await Promise.all(outcomes)).filter((outcome) => typeof outcome === "string")
  expect(new Set(refused)).toEqual(new Set(["IPFA_QUEUE_FULL"]))
  expect(refused).toHaveLength(600 - 512 - jobs.running)
})

test("the inputs of one origin's jobs take 512 MiB", async () => {
  const wasm = adderHost("wasm")
  t = testPool([wasm])
  const page = t.connect()
  const { sessionId } = await page.open(t.publish("one", adderModel(1)))
  wasm.hold()
  const run = (n: number, signal?: AbortSignal) => {
    const x = { ...floats(0), shape: [n], data: new Float32Array(n) }
    return page.peer.call("session.run", { sessionId, feeds: { x } }, { signal })
  }
  const first = run(2)
  await wasm.begun(1)
  // They never begin.
  const cancel = new AbortController()
  const waiting = [run(2 ** 26, cancel.signal), run(2 ** 26 - 2, cancel.signal)].map(refusal)
  expect(await refusal(run(1))).toBe("IPFA_QUEUE_FULL")
  cancel.abort()
  expect(await Promise.all(waiting)).toEqual(["IPFA_JOB_CANCELLED", "IPFA_JOB_CANCELLED"])
  wasm.letGo()
  await first
})

test("one run of what a person grants has at most 512 MiB of inputs, though nothing else waits", async () => {
  t = testPool([adderHost("wasm")])
  const page = t.connect({ limits: DEFAULT_LIMITS })
  const { sessionId } = await page.open(t.publish("one", adderModel(1)))
  const run = (x: Tensor) => page.peer.call("session.run", { sessionId, feeds: { x } })
  const bytes = 512 * 2 ** 20 + 1
  // The model takes no such tensor, which would be found out on the device.
  expect(await refusal(run({ dtype: "uint8", shape: [bytes], data: new Uint8Array(bytes) }))).toBe(
    "IPFA_PROTOCOL_TOO_LARGE",
  )
  await run(floats(1))
})

test("what a person grants takes 4 GB of memory, kept tensors included", async () => {
  const wasm = adderHost("wasm")
  wasm.memoryBytes = 4e9 - 10
  // Set higher: of a machine with more memory than 16 GB.
  t = testPool([wasm], { budgetBytes: 1e12 })
  const page = t.connect({ limits: DEFAULT_LIMITS })
  const { sessionId } = await page.open(t.publish("one", adderModel(1)))
  const keep = (n: number) => {
    const x = { ...floats(0), shape: [n], data: new Float32Array(n) }
    return page.peer.call("session.run", { sessionId, feeds: { x }, keep: ["y"] })
  }
  expect(await refusal(keep(3))).toBe("IPFA_DEVICE_MEMORY")
  await keep(2)
  expect(await refusal(keep(1))).toBe("IPFA_DEVICE_MEMORY")
})

test("a site that keeps all the memory it can, and runs without pause, leaves the next one room for its model", async () => {
  const wasm = adderHost("wasm")
  wasm.memoryBytes = 6e8
  // 2 GB, as where the browser does not say how much there is.
  t = testPool([wasm])
  const [hostile, page] = ["https://hostile.example", "https://page.example"].map((origin) =>
    t!.connect({ origin, limits: DEFAULT_LIMITS }),
  )
  const opened: string[] = []
  const fill = async () => {
    for (let bias = 1; ; bias++) {
      const { sessionId } = await hostile!.open(t!.publish(String(bias), adderModel(bias)))
      await hostile!.run(sessionId, 0, { keep: true })
      opened.push(sessionId)
    }
  }
  expect(await refusal(fill())).toBe("IPFA_DEVICE_NONE")
  expect(opened).toHaveLength(3)
  let isOver = false
  const flood = opened.map(async (id) => {
    for (; !isOver; await setImmediate()) await hostile!.run(id).catch(() => undefined)
  })
  const { sessionId } = await page!.open(t.publish("page", adderModel(7)))
  const kept = keptId(await page!.run(sessionId, 0, { keep: true }))
  expect(value(await page!.run(sessionId, kept))).toBe(14)
  isOver = true
  await Promise.all(flood)
})

test("what a person grants takes 4 GB on disk", async () => {
  const opened = { store: memoryStore(), links: memoryLinks() }
  const library = new ModelLibrary(async () => opened, { http: nodeHttp(), allowLoopback: false }, { quotaBytes: 1e12 })
  const owner = { owner: "https://a.example", storeBytes: DEFAULT_LIMITS.storeBytes }
  // What is to come counts from the first part on.
  const begin = (uploadId: string, total: number) =>
    library.put(owner, { uploadId, offset: 0, total, bytes: new Uint8Array(1) })
  await begin("1", 2e9)
  await begin("2", 2e9)
  expect(await refusal(begin("3", 1))).toBe("IPFA_STORE_QUOTA")
})

test("what a person grants runs 16 jobs at once, and the others wait", async () => {
  const wasm = adderHost("wasm")
  // A device that takes all it is given.
  t = testPool([wasm], { limits: { depth: 100 } })
  const page = t.connect({ limits: DEFAULT_LIMITS })
  const { sessionId } = await page.open(t.publish("one", adderModel(1)))
  wasm.hold()
  const runs = Array.from({ length: 40 }, () => page.run(sessionId))
  await wasm.begun(1)
  expect((await page.peer.call("status.get", {})).jobs).toMatchObject({ running: 16, waiting: 24 })
  wasm.letGo()
  await Promise.all(runs)
})

test("an origin has one prompt open", async () => {
  const prompts = new Prompts({ show: async () => undefined, close: () => undefined })
  const gate = await Gate.open({ store: memoryGrants(), prompts, browserSession: "s", uploaded: async () => false })
  const [one, other] = ["https://flood.example", "https://flood.example"].map((origin) => gate.enter(origin))
  const request = { capabilities: ["infer" as const] }
  const end = new AbortController()
  const asked = refusal(gate.request(one!, request, end.signal))
  expect(await refusal(gate.request(other!, request))).toBe("IPFA_GRANT_PROMPT")
  end.abort()
  await asked
})

test("an origin has 64 connections; the next is closed with that code, another origin's is served, and one that ends makes room", async () => {
  t = testPool([adderHost("wasm")])
  const prompts = new Prompts({ show: async () => undefined, close: () => undefined })
  const gate = await Gate.open({ store: memoryGrants(), prompts, browserSession: "s", uploaded: async () => false })
  const pages = new Pages(gate, t.pool, () => undefined)
  const connect = (origin: string) => {
    const [here, there] = memoryPorts()
    const peer = new Peer(here, { role: "page" })
    pages.accept(there, { origin, isPrivate: false })
    return peer
  }
  const status = (peer: Peer) => refusal(peer.call("status.get", {}))
  const open = Array.from({ length: 64 }, () => connect("https://flood.example"))
  expect(new Set(await Promise.all(open.map(status)))).toEqual(new Set(["IPFA_GRANT_REQUIRED"]))
  expect(await status(connect("https://flood.example"))).toBe("IPFA_QUEUE_FULL")
  const other = connect("https://other.example")
  expect(await status(other)).toBe("IPFA_GRANT_REQUIRED")
  open.pop()?.close()
  await expect.poll(() => status(connect("https://flood.example"))).toBe("IPFA_GRANT_REQUIRED")
  for (const peer of [...open, other]) peer.close()
})
