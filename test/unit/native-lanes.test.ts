import { afterEach, describe, expect, test, vi } from "vitest"
import { lanes, NARROW_LANES } from "../../bridge-server/native/lanes.ts"
import { type AccelerateError, fail, type KeptTensor, Peer, type Tensor } from "../../protocol/index.ts"
import { adderHost, adderModel, floats } from "../support/adder.ts"

/** A host with all threads and two with half of them, each in memory, behind one port. */
async function start(memoryBytes?: number) {
  const wide = adderHost("native-cpu")
  const narrow = Array.from({ length: NARROW_LANES }, () => adderHost("native-cpu"))
  wide.memoryBytes = memoryBytes
  let at = 0
  const onStuck = vi.fn()
  const openNarrow = () => narrow[at++]!.factory.start().port
  const peer = new Peer(lanes(wide.factory.start().port, openNarrow, { stuckMs: 20, onStuck }), { role: "test" })
  peers.push(peer)
  const { handle } = await peer.call("device.open", { device: "native-cpu", model: adderModel(1) })
  const run = async (x: number, more: { keep?: string[]; signal?: AbortSignal } = {}) => {
    const { outputs } = await peer.call(
      "device.run",
      { handle, feeds: { x: floats(x) }, ...(more.keep && { keep: more.keep }) },
      more.signal ? { signal: more.signal } : {},
    )
    return outputs.y as Tensor & { data: Float32Array }
  }
  /** So many at once, again and again, until the narrow lanes have the model. */
  const crowd = async (times = 40, callers = 4) => {
    const answers = await Promise.all(
      Array.from({ length: callers }, async (_, caller) => {
        const all: number[] = []
        for (let i = 0; i < times; i++) all.push((await run(caller * 1000 + i)).data[0]!)
        return all
      }),
    )
    for (const [caller, all] of answers.entries())
      expect(all).toEqual(Array.from({ length: times }, (_, i) => caller * 1000 + i + 1))
  }
  return { wide, narrow, peer, handle, run, crowd, onStuck, runsOf: () => narrow.map(({ runs }) => runs) }
}

const peers: Peer[] = []
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close()
})

describe("a device that computes two runs at a time", () => {
  test("says so", async () => {
    const { peer } = await start()
    expect((await peer.call("device.probe", {})).devices).toMatchObject([{ id: "native-cpu", parallel: NARROW_LANES }])
  })

  test("gives a run that is alone all threads", async () => {
    const { wide, narrow, crowd, run } = await start()
    await crowd(40, 1)
    expect(wide.runs).toBe(40)
    expect(narrow.map(({ starts }) => starts)).toEqual([0, 0])
    await crowd()
    const before = wide.runs
    for (let i = 0; i < 3; i++) expect((await run(i)).data[0]).toBe(i + 1)
    expect(wide.runs).toBe(before + 3)
  })

  test("computes those of a crowd two at a time, each with its answer", async () => {
    const { narrow, run, crowd, runsOf } = await start()
    await crowd()
    expect(runsOf().every((runs) => runs > 5)).toBe(true)
    const began = runsOf()
    for (const host of narrow) host.hold()
    const all = [1, 2, 3, 4, 5].map((x) => run(x))
    // The first is alone when it comes.
    await Promise.all(narrow.map((host, i) => host.begun(began[i]! + 1)))
    for (const host of narrow) host.letGo()
    expect((await Promise.all(all)).map(({ data }) => data[0])).toEqual([2, 3, 4, 5, 6])
  })

  test("keeps what stays on it in one place", async () => {
    const { wide, peer, handle, run, crowd } = await start()
    await crowd()
    wide.hold()
    const before = run(0)
    const keeping = run(5, { keep: ["y"] })
    wide.letGo()
    await before
    const kept = (await keeping) as unknown as KeptTensor
    const others = crowd()
    for (let i = 0; i < 10; i++) {
      const { outputs } = await peer.call("device.run", { handle, feeds: { x: kept } })
      expect((outputs.y as Tensor & { data: Float32Array }).data[0]).toBe(7)
    }
    await others
  })

  test("lets go of a run that is given up, gives its place to no other until it has ended, and tells where it never does", async () => {
    const { wide, narrow, run, crowd, onStuck, runsOf } = await start()
    await crowd()
    const began = runsOf()
    wide.hold()
    for (const host of narrow) host.hold()
    const controller = new AbortController()
    const first = run(1)
    const given = run(2, { signal: controller.signal })
    const at = await Promise.race(narrow.map((host, i) => host.begun(began[i]! + 1).then(() => i)))
    controller.abort()
    expect(await given.catch((error: AccelerateError) => error.code)).toBe("IPFA_JOB_CANCELLED")
    narrow[1 - at]!.letGo()
    for (const x of [3, 4]) expect((await run(x)).data[0]).toBe(x + 1)
    expect(runsOf()[at]).toBe(began[at]! + 1)
    await expect.poll(() => onStuck.mock.calls.length).toBe(1)
    narrow[at]!.letGo()
    wide.letGo()
    await first
    await crowd()
    expect(onStuck).toHaveBeenCalledTimes(1)
  })

  test("withdraws a run that is given up before its turn", async () => {
    const { narrow, run, crowd, runsOf } = await start()
    await crowd()
    const began = runsOf()
    for (const host of narrow) host.hold()
    const controller = new AbortController()
    // One alone, one in each narrow lane, and one behind each.
    const all = [1, 2, 3].map((x) => run(x))
    const given = [4, 5].map((x) => run(x, { signal: controller.signal }).catch((error: AccelerateError) => error.code))
    await Promise.all(narrow.map((host, i) => host.begun(began[i]! + 1)))
    controller.abort()
    expect(await Promise.all(given)).toEqual(["IPFA_JOB_CANCELLED", "IPFA_JOB_CANCELLED"])
    for (const host of narrow) host.letGo()
    expect((await Promise.all(all)).map(({ data }) => data[0])).toEqual([2, 3, 4])
    expect((await run(6)).data[0]).toBe(7)
    expect(runsOf()).toEqual(began.map((runs) => runs + 1))
  })

  test("watches a run with all threads that was given up, too, and frees what it kept", async () => {
    const { wide, run, crowd, onStuck } = await start()
    await crowd()
    wide.hold()
    const controller = new AbortController()
    const begun = wide.begun(wide.runs + 1)
    const given = run(1, { keep: ["y"], signal: controller.signal })
    await begun
    controller.abort()
    expect(await given.catch((error: AccelerateError) => error.code)).toBe("IPFA_JOB_CANCELLED")
    await expect.poll(() => onStuck.mock.calls.length).toBe(1)
    wide.letGo()
    expect((await run(2)).data[0]).toBe(3)
    await expect.poll(() => wide.kept.size).toBe(0)
  })

  test("opens no more in the narrow lanes than 512 MiB", async () => {
    const { wide, narrow, peer } = await start()
    wide.memoryBytes = 60 * 2 ** 20
    const handles: string[] = []
    for (let i = 0; i < 6; i++)
      handles.push((await peer.call("device.open", { device: "native-cpu", model: adderModel(i) })).handle)
    const crowdOf = (handle: string) =>
      Promise.all(Array.from({ length: 60 }, () => peer.call("device.run", { handle, feeds: { x: floats(1) } })))
    for (const handle of handles) await crowdOf(handle)
    expect(narrow.map(({ loaded }) => loaded.size)).toEqual([4, 4])
    await peer.call("device.close", { handle: handles[0]! })
    await expect.poll(() => narrow.map(({ loaded }) => loaded.size)).toEqual([3, 3])
    wide.memoryBytes = undefined
  })

  test("closes a model everywhere", async () => {
    const { wide, narrow, peer, handle, crowd } = await start()
    await crowd()
    expect(narrow.map(({ loaded }) => loaded.size)).toEqual([1, 1])
    await peer.call("device.close", { handle })
    await expect.poll(() => [wide, ...narrow].map(({ loaded }) => loaded.size)).toEqual([0, 0, 0])
  })

  test("holds a large model once", async () => {
    const { narrow, crowd } = await start(65 * 2 ** 20)
    await crowd()
    expect(narrow.map(({ starts }) => starts)).toEqual([0, 0])
  })

  test("goes on with all threads where the model can't be opened a second time", async () => {
    const { narrow, crowd, runsOf } = await start()
    narrow[1]!.refuse = fail("IPFA_DEVICE_MEMORY")
    await crowd()
    await crowd()
    expect(runsOf()).toEqual([0, 0])
    expect(narrow.map(({ opens }) => opens)).toEqual([1, 1])
    await expect.poll(() => narrow.map(({ loaded }) => loaded.size)).toEqual([0, 0])
  })

  test("tells the error of a run as it was", async () => {
    const { peer, handle, crowd } = await start()
    await crowd()
    const wrong = () =>
      peer
        .call("device.run", { handle, feeds: { z: floats(1) } })
        .catch((error: AccelerateError) => [error.code, error.data.path])
    const told = await Promise.all(Array.from({ length: 6 }, wrong))
    expect(new Set(told.map(String)).size).toBe(1)
    expect(String(told[0])).toBe("IPFA_INPUT_SHAPE,feeds.z")
  })
})
