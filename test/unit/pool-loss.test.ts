import { afterEach, describe, expect, test, vi } from "vitest"
import {
  afterFailedStart,
  afterLoss,
  afterStart,
  afterSuccess,
  countLoss,
  GPU_LOSS_WINDOW_MS,
  noLosses,
  noSharedLosses,
} from "../../engine/pool/loss-policy.ts"
import { type AdderHost, adderHost, adderModel } from "../support/adder.ts"
import { type Client, keptId, refusal, type TestPool, testPool, value } from "../support/pool.ts"

let t: TestPool | undefined
afterEach(() => {
  t?.close()
  vi.useRealTimers()
})

/** A pool over `hosts`, its clock in the test's hands. */
function onClock(hosts: AdderHost[], limits = {}) {
  const clock = { now: 1_000_000 }
  t = testPool(hosts, { now: () => clock.now, limits })
  return { clock, pool: t.pool, page: t.connect(), model: t.publish("one", adderModel(1)) }
}
const deviceState = async (id: string) => (await t!.pool.hardware()).devices.find((d) => d.id === id)
/** Kills the host under `job` once it runs. */
async function killUnder(host: AdderHost, page: Client, sessionId: string, how: "kill" | "lose" = "kill") {
  host.hold()
  const job = page.run(sessionId, 1)
  await host.begun(host.runs + 1)
  const { starts } = host
  host[how]()
  await host.started(starts + 1)
  // In an object, for a promise that a promise resolves with is waited for.
  return { job }
}

/** When a replacement may be started after each of these losses. */
function retries(...losses: (readonly [backend: string, at: number])[]): number[] {
  let gpu = noSharedLosses
  return losses.map(([backend, at]) => {
    gpu = countLoss(gpu, backend, at, GPU_LOSS_WINDOW_MS)
    return afterLoss(noLosses(backend), at, gpu).retryAt
  })
}

describe("when to replace what was lost", () => {
  test("a GPU at once the first time, after two minutes when that was less than two minutes ago", () => {
    expect(retries(["webgpu", 1000])).toEqual([1000])
    expect(retries(["webgpu", 1000], ["webgpu", 120_999])).toEqual([1000, 240_999])
    expect(retries(["webgpu", 1000], ["webgpu", 121_000])).toEqual([1000, 121_000])
  })

  test("a GPU is one, whichever backend has it; one loss that reaches two of them counts once", () => {
    expect(retries(["webgpu", 1000], ["wgsl", 5000])).toEqual([1000, 125_000])
    expect(retries(["webgpu", 1000], ["wgsl", 3999], ["webnn", 3999])).toEqual([1000, 3999, 3999])
    expect(retries(["webgpu", 1000], ["wgsl", 1001], ["wgsl", 1002], ["webgpu", 1003])).toEqual([
      1000, 1001, 121_002, 121_002,
    ])
  })

  test("a worker without a GPU at once, until it fails five times in a row", () => {
    let history = noLosses("wasm")
    const waits: number[] = []
    for (let i = 0; i < 6; i++) {
      const after = afterLoss(history, 1000, noSharedLosses)
      history = after.history
      waits.push(after.retryAt - 1000)
    }
    expect(waits).toEqual([0, 0, 0, 0, 5000, 5000])
    // With work in between nothing is in a row, and less than half fails.
    history = noLosses("wasm")
    for (let i = 0; i < 20; i++)
      history = i % 3 ? afterSuccess(history, 1000) : afterLoss(history, 1000, noSharedLosses).history
    expect(history.cooldown.until).toBe(0)
  })

  test("one that does not start ever more gently, and from the beginning once it did", () => {
    let history = noLosses("webgpu")
    const waits: number[] = []
    for (let i = 0; i < 4; i++) {
      const after = afterFailedStart(history, 0)
      history = after.history
      waits.push(after.retryAt)
    }
    expect(waits).toEqual([30_000, 60_000, 120_000, 120_000])
    expect(afterFailedStart(afterStart(history), 0).retryAt).toBe(30_000)
  })

  test("a worker without a GPU that ended while it started once at once; then, and any other failure, gently", () => {
    let history = noLosses("wasm")
    const waits: number[] = []
    for (let i = 0; i < 3; i++) {
      const after = afterFailedStart(history, 0, true)
      history = after.history
      waits.push(after.retryAt)
    }
    expect(waits).toEqual([0, 10_000, 20_000])
    expect(afterFailedStart(afterStart(history), 0, true).retryAt).toBe(0)
    expect(afterFailedStart(noLosses("wasm"), 0, false).retryAt).toBe(5_000)
    expect(afterFailedStart(noLosses("webgpu"), 0, true).retryAt).toBe(30_000)
  })
})

describe("a host that dies", () => {
  test.each(["kill", "lose"] as const)("(%s) is replaced, and the job it had is run again, once", async (how) => {
    const wasm = adderHost("wasm")
    const { page, model } = onClock([wasm])
    const { sessionId } = await page.open(model)
    const { job } = await killUnder(wasm, page, sessionId, how)
    wasm.letGo()
    const result = await job
    expect([value(result), result.reruns, result.device, result.fellBackFrom]).toEqual([2, 1, "wasm", undefined])
    expect([wasm.starts, wasm.opens, wasm.runs]).toEqual([2, 2, 2])
    expect((await page.run(sessionId)).reruns).toBe(0)
  })

  test("twice under a job fails it with IPFA_JOB_LOST", async () => {
    const wasm = adderHost("wasm")
    const { page, model } = onClock([wasm])
    const { sessionId } = await page.open(model)
    wasm.hold()
    const [job, behind] = [page.run(sessionId, 1), page.run(sessionId, 2)]
    await wasm.begun(1)
    wasm.kill()
    await wasm.begun(2)
    wasm.kill()
    expect(await refusal(job)).toBe("IPFA_JOB_LOST")
    // The one behind it had not begun when the device was lost: it is not made to pay.
    wasm.letGo()
    const result = await behind
    expect([value(result), result.reruns]).toEqual([3, 0])
  })

  test("while it opens a model is asked once more", async () => {
    const wasm = adderHost("wasm")
    const { page, model } = onClock([wasm])
    wasm.hold("open")
    const opening = page.open(model)
    await wasm.begun(1, "open")
    wasm.kill()
    await wasm.begun(2, "open")
    wasm.letGo()
    expect(value(await page.run((await opening).sessionId))).toBe(2)
  })

  test("under each opening fails it, or sends it elsewhere", async () => {
    const [wasm, cpu] = [adderHost("wasm"), adderHost("native-cpu")]
    const { page, model } = onClock([wasm, cpu])
    for (const device of ["native-cpu", undefined]) {
      cpu.hold("open")
      const opening = page.open(model, { device })
      await cpu.begun(cpu.opens + 1, "open")
      cpu.kill("it ran out of memory")
      await cpu.begun(cpu.opens + 1, "open")
      cpu.kill("it ran out of memory")
      if (device) expect(await refusal(opening)).toBe("IPFA_DEVICE_LOST")
      else expect(await opening).toMatchObject({ device: { id: "wasm" }, fellBackFrom: { id: "native-cpu" } })
      cpu.letGo()
    }
  })

  test("takes kept tensors with it: jobs that need them fail, and say so, and others are run again", async () => {
    const wasm = adderHost("wasm")
    const { page, model } = onClock([wasm])
    const { sessionId } = await page.open(model)
    const kept = keptId(await page.run(sessionId, 1, { keep: true }))
    wasm.hold()
    const jobs = [page.run(sessionId, kept), page.run(sessionId, 5), page.run(sessionId, kept)]
    const outcomes = Promise.all([refusal(jobs[0]!), jobs[1]!.then(value), refusal(jobs[2]!)])
    await wasm.begun(2)
    wasm.kill()
    wasm.letGo()
    expect(await outcomes).toEqual(["IPFA_DEVICE_LOST", 6, "IPFA_SESSION_KEPT"])
    expect(await refusal(page.run(sessionId, kept))).toBe("IPFA_SESSION_KEPT")
    expect(value(await page.run(sessionId, 1))).toBe(2)
  })

  test("without anything to do is replaced for the next job", async () => {
    const wasm = adderHost("wasm")
    const { page, model } = onClock([wasm])
    const { sessionId } = await page.open(model)
    wasm.kill()
    const result = await page.run(sessionId, 1)
    expect([value(result), result.reruns]).toEqual([2, 0])
  })

  test("again while its replacement starts is replaced once more, and who waits is served", async () => {
    const wasm = adderHost("wasm")
    const { page, model } = onClock([wasm])
    const { sessionId } = await page.open(model)
    wasm.hold("probe")
    wasm.kill()
    await wasm.started(2)
    const job = page.run(sessionId, 1)
    wasm.kill()
    await wasm.started(3)
    wasm.letGo()
    const result = await job
    expect([value(result), result.reruns, wasm.starts]).toEqual([2, 0, 3])
  })

  test("at every start is left alone after two, for longer each time", async () => {
    const wasm = adderHost("wasm")
    const { page, model, clock } = onClock([wasm])
    const { sessionId } = await page.open(model, { device: "wasm" })
    wasm.hold("probe")
    wasm.kill()
    for (const start of [2, 3]) {
      await wasm.started(start)
      wasm.kill()
    }
    expect(await refusal(page.run(sessionId, 1))).toBe("IPFA_DEVICE_LOST")
    expect(await deviceState("wasm")).toMatchObject({ state: "cooling", unavailableUntil: clock.now + 10_000 })
    expect(wasm.starts).toBe(3)
  })

  test("before it was ever there is absent, with the reason", async () => {
    const [wasm, webgpu] = [adderHost("wasm"), adderHost("webgpu")]
    webgpu.failStart = new Error("no such file: worker.js")
    const { pool } = onClock([wasm, webgpu])
    const { devices, absent } = await pool.hardware()
    expect(devices.map(({ id }) => id)).toEqual(["wasm"])
    expect(absent).toMatchObject([{ id: "webgpu", agent: "agent-under-test" }])
    expect(absent[0]!.reason).toContain("no such file: worker.js")
    await pool.hardware()
    expect(webgpu.starts).toBe(1)
  })

  test("is nothing that is kept where it found no device: its worker is ended, and not started for everybody who asks", async () => {
    const [wasm, webgpu] = [adderHost("wasm"), adderHost("webgpu")]
    webgpu.devices = []
    const { pool, page, model } = onClock([wasm, webgpu])
    for (let asked = 0; asked < 2; asked++)
      expect(await pool.hardware()).toMatchObject({ devices: [{ id: "wasm" }], absent: [{ reason: "no adapter" }] })
    expect([webgpu.starts, webgpu.ended, wasm.ended]).toEqual([1, 1, 0])
    await expect(page.open(model, { device: "webgpu" })).rejects.toMatchObject({ code: "IPFA_DEVICE_ABSENT" })
    expect((await page.open(model)).device.id).toBe("wasm")
    expect(webgpu.starts).toBe(1)
  })

  test("is left as it is where it found no device and its end returns nothing, or is the whole process's", async () => {
    const gpu = adderHost("native-cuda")
    gpu.devices = []
    const { returnsMemory: _, ...factory } = gpu.factory
    t = testPool([factory])
    expect((await t.pool.hardware()).devices).toEqual([])
    expect([gpu.starts, gpu.ended]).toEqual([1, 0])
  })
})

describe("a GPU that is lost", () => {
  test("twice within two minutes is left alone for two more, said to all; sessions move, visibly", async () => {
    const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
    const { clock, page, model, pool } = onClock([webgpu, wasm])
    const other = t!.connect({ origin: "https://other.test" })
    const [forced, free] = [await page.open(model, { device: "webgpu" }), await other.open(model)]
    expect(free.device.id).toBe("webgpu")
    const { job } = await killUnder(webgpu, page, forced.sessionId, "lose")
    await webgpu.begun(2)
    clock.now += 1000
    // Lost again under the job's second run: there is no third.
    webgpu.lose()
    expect(await refusal(job)).toBe("IPFA_JOB_LOST")
    webgpu.letGo()
    expect(await deviceState("webgpu")).toMatchObject({ state: "cooling", unavailableUntil: clock.now + 120_000 })

    const moved = await other.run(free.sessionId, 1)
    expect([value(moved), moved.device, moved.fellBackFrom?.id]).toEqual([2, "wasm", "webgpu"])
    expect(await refusal(page.run(forced.sessionId))).toBe("IPFA_DEVICE_LOST")
    const opening = await other.open(model, { device: "webgpu" }).catch((error) => error)
    expect([opening.code, opening.data.unavailableUntil]).toEqual(["IPFA_DEVICE_LOST", clock.now + 120_000])
    expect(await other.open(model)).toMatchObject({ device: { id: "wasm" }, fellBackFrom: { id: "webgpu" } })
    await pool.hardware()
    expect(webgpu.starts).toBe(2)
  })

  test("is replaced at once; the origin whose job ran goes on elsewhere for two minutes, the others wait for it", async () => {
    const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
    const { clock, page, model } = onClock([webgpu, wasm])
    const other = t!.connect({ origin: "https://other.test" })
    const [mine, theirs] = [await page.open(model), await other.open(model)]
    webgpu.hold()
    const jobs = [page.run(mine.sessionId, 1), other.run(theirs.sessionId, 2), page.run(mine.sessionId, 3)]
    await webgpu.begun(1)
    webgpu.lose()
    webgpu.letGo()
    const results = await Promise.all(jobs)
    expect(results.map((r) => [value(r), r.device, r.reruns, r.fellBackFrom?.id])).toEqual([
      [2, "wasm", 1, "webgpu"],
      [3, "webgpu", 0, undefined],
      [4, "wasm", 0, "webgpu"],
    ])
    const another = await page.open(t!.publish("two", adderModel(2)))
    expect(another).toMatchObject({ device: { id: "wasm" }, fellBackFrom: { id: "webgpu" } })
    clock.now += 119_999
    expect((await page.run(mine.sessionId)).device).toBe("wasm")
    clock.now += 1
    expect((await page.run(mine.sessionId)).device).toBe("webgpu")
  })

  test("is as lost under another backend that shares it: an origin can't lose it once under each name", async () => {
    const [webgpu, wgsl, wasm] = [adderHost("webgpu"), adderHost("wgsl"), adderHost("wasm")]
    const { clock, page, model } = onClock([webgpu, wgsl, wasm])
    const open = async (device?: string) => (await page.open(model, { device })).sessionId
    const [first, second, free] = [await open("webgpu"), await open("wgsl"), await open()]
    for (const [host, sessionId] of [
      [webgpu, first],
      [wgsl, second],
    ] as const) {
      host.hold()
      const job = page.run(sessionId, 1).catch((error) => error)
      await host.begun(1)
      clock.now += 10_000
      host.lose()
      host.letGo()
      await job
    }
    expect(await deviceState("wgsl")).toMatchObject({ state: "cooling", unavailableUntil: clock.now + 120_000 })
    for (const device of ["webgpu", "wgsl"]) expect(await refusal(open(device))).toBe("IPFA_DEVICE_LOST")
    expect((await page.run(free, 1)).device).toBe("wasm")
  })

  test("twice under one origin's forced jobs is not that origin's for ten minutes, and the others' again after two", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] })
    const webgpu = adderHost("webgpu")
    t = testPool([webgpu])
    const [page, other] = [t.connect(), t.connect({ origin: "https://other.test" })]
    const model = t.publish("one", adderModel(1))
    const [mine, theirs] = [await page.open(model, { device: "webgpu" }), await other.open(model, { device: "webgpu" })]
    webgpu.hold()
    const job = refusal(page.run(mine.sessionId, 1))
    for (const n of [1, 2]) {
      await webgpu.begun(n)
      webgpu.kill()
    }
    expect(await job).toBe("IPFA_JOB_LOST")
    webgpu.letGo()
    await vi.advanceTimersByTimeAsync(120_000)
    expect(value(await other.run(theirs.sessionId, 1))).toBe(2)
    expect(await refusal(page.run(mine.sessionId, 1))).toBe("IPFA_DEVICE_LOST")
    expect(await refusal(page.open(model, { device: "webgpu" }))).toBe("IPFA_DEVICE_LOST")
    await vi.advanceTimersByTimeAsync(480_000)
    expect(value(await page.run(mine.sessionId, 1))).toBe(2)
  })

  test("and that its replacement does not find again is cooling, and what was there runs elsewhere", async () => {
    const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
    const { clock, page, model } = onClock([webgpu, wasm])
    const { sessionId } = await page.open(model)
    webgpu.hold()
    const job = page.run(sessionId, 1)
    await webgpu.begun(1)
    webgpu.devices = []
    webgpu.lose()
    const result = await job
    expect([value(result), result.device, result.reruns, result.fellBackFrom?.id]).toEqual([2, "wasm", 1, "webgpu"])
    expect(await deviceState("webgpu")).toMatchObject({ state: "cooling", unavailableUntil: clock.now + 30_000 })
  })

  test("and whose replacement takes long: jobs that may move don't wait for it, forced ones do", async () => {
    const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
    const { page, model } = onClock([webgpu, wasm], { patienceMs: 20 })
    const other = t!.connect({ origin: "https://other.test" })
    const [free, forced] = [await other.open(model), await page.open(model, { device: "webgpu" })]
    webgpu.hold()
    const running = page.run(forced.sessionId, 0)
    const jobs = [other.run(free.sessionId, 1), page.run(forced.sessionId, 2)] as const
    await webgpu.begun(1)
    webgpu.hold("probe")
    webgpu.lose()
    expect((await jobs[0]).device).toBe("wasm")
    webgpu.letGo()
    expect(await jobs[1]).toMatchObject({ device: "webgpu", reruns: 0 })
    expect(await running).toMatchObject({ device: "webgpu", reruns: 1 })
  })

  test("and a job that is cancelled while it moves is not run there", async () => {
    const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
    const { page, model } = onClock([webgpu, wasm])
    const { sessionId } = await page.open(model)
    webgpu.hold()
    const abort = new AbortController()
    const jobs = [page.run(sessionId, 1, { signal: abort.signal }), page.run(sessionId, 2)]
    await webgpu.begun(1)
    wasm.hold("open")
    webgpu.lose()
    await wasm.begun(1, "open")
    abort.abort()
    expect(await refusal(jobs[0]!)).toBe("IPFA_JOB_CANCELLED")
    wasm.letGo()
    expect(value(await jobs[1]!)).toBe(3)
    await page.run(sessionId, 3)
    expect(wasm.runs).toBe(2)
    webgpu.letGo()
  })

  test("and comes back: a session that moved returns to it, unless it kept something elsewhere", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] })
    const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
    t = testPool([webgpu, wasm])
    const page = t.connect()
    const { sessionId } = await page.open(t.publish("one", adderModel(1)))
    const { devices } = webgpu
    webgpu.devices = []
    webgpu.lose()
    await vi.advanceTimersByTimeAsync(0)
    const away = await page.run(sessionId, 1, { keep: true })
    expect(away.device).toBe("wasm")
    await vi.advanceTimersByTimeAsync(29_999)
    expect([webgpu.starts, (await deviceState("webgpu"))?.state]).toEqual([2, "cooling"])
    webgpu.devices = devices
    await vi.advanceTimersByTimeAsync(1)
    expect([webgpu.starts, (await deviceState("webgpu"))?.state]).toEqual([3, "ready"])
    expect((await page.run(sessionId, keptId(away))).device).toBe("wasm")
    await page.peer.call("session.release", { sessionId, kept: [keptId(away)] })
    const back = await page.run(sessionId, 1)
    expect([back.device, back.fellBackFrom]).toEqual(["webgpu", undefined])
  })
})
