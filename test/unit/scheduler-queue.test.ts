import { describe, expect, test } from "vitest"
import { FairQueue, type QueueEntry } from "../../scheduler/index.ts"
import fc from "../property.ts"

const job = (origin: string, value: string, more: Partial<QueueEntry<string>> = {}): QueueEntry<string> => ({
  origin,
  priority: 5,
  cost: 1,
  value,
  ...more,
})
function drain(queue: FairQueue<string>): string[] {
  const out: string[] = []
  for (let entry = queue.next(); entry; entry = queue.next()) out.push(entry.value)
  return out
}

describe("a fair queue", () => {
  test("alternates between origins, however many jobs each has", () => {
    const queue = new FairQueue<string>()
    for (let i = 0; i < 4; i++) queue.push(job("a", `a${i}`))
    queue.push(job("b", "b0"))
    queue.push(job("b", "b1"))
    expect(drain(queue)).toEqual(["a0", "b0", "a1", "b1", "a2", "a3"])
  })

  test("counts time, not jobs", () => {
    const queue = new FairQueue<string>()
    for (let i = 0; i < 3; i++) queue.push(job("slow", `s${i}`, { cost: 3 }))
    for (let i = 0; i < 6; i++) queue.push(job("quick", `q${i}`))
    expect(drain(queue).slice(0, 5)).toEqual(["s0", "q0", "q1", "q2", "s1"])
  })

  test("an origin that was served alone for long is not made to wait for it", () => {
    const queue = new FairQueue<string>()
    for (let i = 0; i < 50; i++) {
      queue.push(job("a", `a${i}`))
      queue.next()
    }
    queue.push(job("b", "b0"))
    queue.push(job("a", "a"))
    queue.push(job("b", "b1"))
    expect(drain(queue)).toEqual(["b0", "a", "b1"])
  })

  test("an origin gains nothing by leaving and coming back with each job", () => {
    const queue = new FairQueue<string>()
    for (let i = 0; i < 40; i++) queue.push(job("steady", "steady"))
    let heavy = 0
    queue.push(job("comes and goes", "heavy", { cost: 10 }))
    for (let i = 0; i < 22; i++) {
      if (queue.next()?.value !== "heavy") continue
      heavy++
      queue.push(job("comes and goes", "heavy", { cost: 10 }))
    }
    expect(heavy).toBe(2)
  })

  test("within an origin goes by priority, then deadline, then arrival", () => {
    const queue = new FairQueue<string>()
    queue.push(job("a", "first"))
    queue.push(job("a", "late", { deadlineAt: 900 }))
    queue.push(job("a", "urgent", { priority: 9 }))
    queue.push(job("a", "soon", { deadlineAt: 100 }))
    queue.push(job("a", "second"))
    expect(drain(queue)).toEqual(["urgent", "soon", "late", "first", "second"])
  })

  test("passes over what is not ready, and takes out what is removed", () => {
    const queue = new FairQueue<string>()
    const gone = job("b", "gone")
    queue.push(job("a", "not ready"))
    queue.push(job("a", "ready"))
    queue.push(gone)
    expect(queue.remove(gone)).toBe(true)
    expect(queue.remove(gone)).toBe(false)
    expect(queue.next((value) => value !== "not ready")?.value).toBe("ready")
    expect(queue.next((value) => value !== "not ready")).toBeUndefined()
    expect(queue.removeWhere(() => true).map((x) => x.value)).toEqual(["not ready"])
    expect(queue.size).toBe(0)
  })

  test("when full, refuses the one that fills it and makes room for another", () => {
    const queue = new FairQueue<string>(4)
    for (let i = 0; i < 4; i++) expect(queue.push(job("a", `a${i}`))).toEqual({ accepted: true })
    expect(queue.push(job("a", "a4"))).toEqual({ accepted: false })
    expect(queue.push(job("b", "b0")).displaced?.value).toBe("a3")
    expect(queue.push(job("b", "b1")).displaced?.value).toBe("a2")
    expect(queue.push(job("b", "b2"))).toEqual({ accepted: false })
    expect(queue.size).toBe(4)
  })
})

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("push" as const),
      origin: fc.constantFrom("greedy", "b", "c"),
      priority: fc.nat(9),
      cost: fc.integer({ min: 1, max: 10 }),
    }),
    fc.record({ kind: fc.constant("next" as const) }),
    fc.record({ kind: fc.constant("remove" as const), which: fc.nat() }),
  ),
  { maxLength: 300 },
)

describe("for any sequence of jobs", () => {
  test("each one accepted comes out exactly once, or was displaced", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const queue = new FairQueue<string>(16)
        const inside = new Map<string, QueueEntry<string>>()
        for (const [i, step] of all.entries()) {
          if (step.kind === "push") {
            const entry = job(step.origin, `${i}`, step)
            const { accepted, displaced } = queue.push(entry)
            if (displaced) expect(inside.delete(displaced.value)).toBe(true)
            if (accepted) inside.set(entry.value, entry)
            else expect(queue.size).toBe(16)
          } else if (step.kind === "next") {
            const entry = queue.next()
            expect(entry !== undefined).toBe(inside.size > 0)
            if (entry) expect(inside.delete(entry.value)).toBe(true)
          } else if (inside.size > 0) {
            const entry = [...inside.values()][step.which % inside.size]!
            expect(queue.remove(entry)).toBe(true)
            inside.delete(entry.value)
          }
          expect(queue.size).toBe(inside.size)
          expect([...queue].map((x) => x.value).sort()).toEqual([...inside.keys()].sort())
        }
      }),
    )
  })

  test("an origin's next job is served before the others were served more than one job's cost each beyond its own share", () => {
    fc.assert(
      fc.property(steps, (history) => {
        const queue = new FairQueue<string>(64)
        for (const step of history) {
          if (step.kind === "push") queue.push(job(step.origin, "x", step))
          else if (step.kind === "next") queue.next()
        }
        queue.removeWhere((entry) => entry.origin === "victim")
        queue.push(job("victim", "me"))
        // Others never stop coming, at the highest priority and the highest cost.
        const served = new Map<string, number>()
        for (let i = 0; ; i++) {
          queue.push(job("greedy", "x", { priority: 9, cost: 10 }))
          queue.push(job("b", "x", { priority: 9, cost: 10 }))
          const entry = queue.next()!
          if (entry.value === "me") break
          served.set(entry.origin, (served.get(entry.origin) ?? 0) + entry.cost)
          expect(i).toBeLessThan(100)
        }
        // What the victim is owed starts at the clock: others ahead of it by at most the job they had begun.
        for (const cost of served.values()) expect(cost).toBeLessThanOrEqual(10)
      }),
    )
  })

  test("two origins that always wait get the same time within one job of each", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 })), {
          minLength: 40,
          maxLength: 40,
        }),
        (costs) => {
          const queue = new FairQueue<string>()
          for (const [a, b] of costs) {
            queue.push(job("a", "a", { cost: a }))
            queue.push(job("b", "b", { cost: b }))
          }
          const served = { a: 0, b: 0 }
          while (queue.waiting("a") > 0 && queue.waiting("b") > 0) {
            const { origin, cost } = queue.next()!
            served[origin as "a" | "b"] += cost
            expect(Math.abs(served.a - served.b)).toBeLessThanOrEqual(100)
          }
        },
      ),
    )
  })
})
