import { describe, expect, test } from "vitest"
import { fail, SharedWork, SharedWorks } from "../../protocol/index.ts"

const forever = () => new Promise<never>(() => {})
const cancelled = () => fail("IPFA_JOB_CANCELLED")

describe("work that several wait for", () => {
  test("ends when the last who waited gave it up, not before", async () => {
    let inner!: AbortSignal
    const work = new SharedWork((signal) => {
      inner = signal
      return forever()
    })
    const [a, b] = [new AbortController(), new AbortController()]
    const waits = [work.wait(a.signal), work.wait(b.signal)].map((w) => w.catch((e) => e.code))
    a.abort(cancelled())
    expect(await waits[0]).toBe("IPFA_JOB_CANCELLED")
    expect(inner.aborted).toBe(false)
    b.abort(new DOMException("late", "TimeoutError"))
    expect(await waits[1]).toBe("IPFA_JOB_DEADLINE")
    expect(inner.aborted).toBe(true)
  })

  test("goes on while somebody waits who can't give up", async () => {
    const { promise, resolve } = Promise.withResolvers<number>()
    const work = new SharedWork(() => promise)
    const caller = new AbortController()
    const [first, second] = [work.wait(caller.signal).catch((e) => e.code), work.wait()]
    caller.abort()
    expect(await first).toBe("IPFA_JOB_CANCELLED")
    expect(work.aborted).toBe(false)
    resolve(7)
    expect(await second).toBe(7)
  })

  test("that a lost connection left going ends when the last one who waits cancels", async () => {
    const work = new SharedWork(forever)
    const [lost, cancels] = [new AbortController(), new AbortController()]
    const options = { keepGoing: (reason: unknown) => reason === "lost" }
    const waits = [lost, cancels].map(({ signal }) => work.wait(signal, options).catch((e) => e))
    lost.abort("lost")
    await waits[0]
    expect(work.aborted).toBe(false)
    cancels.abort("cancelled")
    await waits[1]
    expect(work.aborted).toBe(true)
  })

  test("that is done is not given up by who comes with an aborted signal", async () => {
    const work = new SharedWork(async () => 7)
    expect(await work.wait()).toBe(7)
    await expect(work.wait(AbortSignal.abort())).rejects.toMatchObject({ code: "IPFA_JOB_CANCELLED" })
    expect(work.aborted).toBe(false)
  })

  test("tells all who listen, whoever comes late from the last that was told; who left hears no more", async () => {
    let tell!: (event: number) => void
    const { promise, resolve } = Promise.withResolvers<void>()
    const work = new SharedWork<void, number>((_, told) => {
      tell = told
      return promise
    })
    const heard: string[] = []
    const leaves = new AbortController()
    const left = work.wait(leaves.signal, { onEvent: (n) => void heard.push(`a${n}`) }).catch(() => {})
    tell(1)
    tell(2)
    const stays = work.wait(undefined, { onEvent: (n) => void heard.push(`b${n}`) })
    leaves.abort()
    await left
    tell(3)
    resolve()
    await stays
    tell(4)
    expect(heard).toEqual(["a1", "a2", "b2", "b3"])
  })
})

describe("work by key", () => {
  test("is one while it is under way, and begun anew when it has ended", async () => {
    const works = new SharedWorks<number>()
    let begun = 0
    const once = () => works.of("k", async () => ++begun).wait()
    expect(await Promise.all([once(), once(), works.of("other", async () => 0).wait()])).toEqual([1, 1, 0])
    expect(await once()).toBe(2)
  })

  test("that was given up is not joined: the next begins when it has let go of what it used", async () => {
    const works = new SharedWorks<string>()
    const log: string[] = []
    const { promise: letGo, resolve } = Promise.withResolvers<void>()
    const caller = new AbortController()
    const first = works.of("k", async (signal) => {
      log.push("first begins")
      await letGo
      log.push(`first ends, aborted: ${signal.aborted}`)
      return "first"
    })
    const gone = first.wait(caller.signal).catch((e) => e.code)
    await Promise.resolve()
    caller.abort()
    expect(await gone).toBe("IPFA_JOB_CANCELLED")
    const next = works.of("k", async () => {
      log.push("second begins")
      return "second"
    })
    resolve()
    expect(await next.wait()).toBe("second")
    expect(log).toEqual(["first begins", "first ends, aborted: true", "second begins"])
  })
})
