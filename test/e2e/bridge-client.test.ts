import { existsSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { Evidence } from "../../bridge-server/storage/index.ts"
import { AccelerateError, type KeptTensor, type Peer, type Tensor, UPLOAD_PART_BYTES } from "../../protocol/index.ts"
import { adderModel, floats } from "../support/adder.ts"
import {
  digitError,
  digitImage,
  digits,
  digitsFile,
  identity,
  nativeIsThere,
  productModel,
  type TestBridge,
  testBridge,
} from "../support/bridge.ts"
import { sharedModel } from "../support/shared.ts"

let t: TestBridge
let evidence: Evidence
let slow: string

beforeAll(async () => {
  t = await testBridge({
    evidence: async (file) => {
      evidence = await Evidence.open(file, { software: "test", flushMs: 10 })
      return evidence
    },
  })
  const file = path.join(t.dir, "slow.onnx")
  writeFileSync(file, productModel(1024, 40))
  slow = pathToFileURL(file).href
  await nativeIsThere(t.bridge)
})
afterAll(() => t.close())

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error) => (error instanceof AccelerateError ? error.code : String(error)),
  )

const logits = (outputs: Record<string, unknown>) => (outputs.logits as Tensor).data as Float32Array

describe("a session", () => {
  test("opens, runs right, and says which device of which agent did it", async () => {
    const peer = await t.client()
    const phases: string[] = []
    const session = await peer.call("session.open", { model: "digits" }, { onEvent: (p) => void phases.push(p.phase) })
    expect(session).toMatchObject({
      model: { reference: "digits", bytes: 55_698 },
      inputs: [{ name: "image", dtype: "float32" }],
      device: { id: "native-cpu", agent: "native", browser: "native" },
    })
    expect(session.fellBackFrom).toBeUndefined()
    expect(phases.length).toBeGreaterThan(0)
    for (const i of [0, 7, 13]) {
      const result = await peer.call("session.run", { sessionId: session.sessionId, feeds: { image: digitImage(i) } })
      expect(digitError(logits(result.outputs), i)).toBeLessThan(digits.tolerance)
      expect(result).toMatchObject({ device: "native-cpu", agent: "native", reruns: 0 })
    }
    await peer.call("session.close", { sessionId: session.sessionId })
    expect(await code(peer.call("session.run", { sessionId: session.sessionId, feeds: {} }))).toBe(
      "IPFA_SESSION_UNKNOWN",
    )
  })

  test("is shared at the agent by those who load the same, and each has its own at the bridge", async () => {
    const [a, b] = await Promise.all([t.client(), t.client()])
    const [x, y] = await Promise.all(
      [a, b].map((peer) => peer.call("session.open", { model: "digits", device: "native-cpu" })),
    )
    expect(x!.sessionId).not.toBe(y!.sessionId)
    const { sessions } = await a.call("status.get", {})
    const mine = sessions.filter((s) => [x!.sessionId, y!.sessionId].includes(s.sessionId))
    expect(mine.map((s) => [s.device, s.leases])).toEqual([
      ["native/native-cpu", 2],
      ["native/native-cpu", 2],
    ])
    expect(await code(b.call("session.run", { sessionId: x!.sessionId, feeds: {} }))).toBe("IPFA_SESSION_UNKNOWN")
    a.close()
    const result = await b.call("session.run", { sessionId: y!.sessionId, feeds: { image: digitImage(2) } })
    expect(digitError(logits(result.outputs), 2)).toBeLessThan(digits.tolerance)
  })

  test("a forced device that is not there is an error, at once", async () => {
    const peer = await t.client()
    expect(await code(peer.call("session.open", { model: "digits", device: "webgpu" }))).toBe("IPFA_DEVICE_ABSENT")
    expect(await code(peer.call("session.open", { model: "digits", agent: "firefox" }))).toBe("IPFA_AGENT_UNKNOWN")
  })

  test("wrong feeds are refused before they are run, and the session lives on", async () => {
    const peer = await t.client()
    const { sessionId } = await peer.call("session.open", { model: "digits" })
    const wrong: Tensor = { dtype: "float32", shape: [1, 1, 4, 4], data: new Float32Array(16) }
    expect(await code(peer.call("session.run", { sessionId, feeds: { image: wrong } }))).toBe("IPFA_INPUT_SHAPE")
    expect(await code(peer.call("session.run", { sessionId, feeds: {} }))).toMatch(/^IPFA_INPUT/)
    const { outputs } = await peer.call("session.run", { sessionId, feeds: { image: digitImage(0) } })
    expect(digitError(logits(outputs), 0)).toBeLessThan(digits.tolerance)
  })
})

describe("a job", () => {
  test("past its deadline ends then, and the next one is served", async () => {
    const peer = await t.client()
    const { sessionId } = await peer.call("session.open", { model: slow })
    const feeds = { x: identity(1024) }
    const start = performance.now()
    expect(await code(peer.call("session.run", { sessionId, feeds }, { deadlineMs: 50 }))).toBe("IPFA_JOB_DEADLINE")
    expect(performance.now() - start).toBeLessThan(1000)
    const { outputs } = await peer.call("session.run", { sessionId, feeds })
    expect(((outputs.y as Tensor).data as Float32Array)[0]).toBe(1)
  })

  test("that is cancelled while it waits never runs", async () => {
    const peer = await t.client()
    const { sessionId } = await peer.call("session.open", { model: slow })
    const feeds = { x: identity(1024) }
    const first = peer.call("session.run", { sessionId, feeds })
    const done = (await peer.call("status.get", {})).jobs.done
    const controllers = [1, 2, 3].map(() => new AbortController())
    const waiting = controllers.map(({ signal }) => code(peer.call("session.run", { sessionId, feeds }, { signal })))
    for (const c of controllers) c.abort()
    expect(await Promise.all(waiting)).toEqual(Array(3).fill("IPFA_JOB_CANCELLED"))
    await first
    expect((await peer.call("status.get", {})).jobs.done - done).toBe(1)
  })

  test("under the same key runs once, also when it is asked for over another connection", async () => {
    const [a, b] = await Promise.all([t.client(), t.client()])
    const sessions = await Promise.all([a, b].map((peer) => peer.call("session.open", { model: slow })))
    const feeds = { x: identity(1024) }
    const before = (await a.call("status.get", {})).jobs.done
    const lost = code(a.call("session.run", { sessionId: sessions[0]!.sessionId, feeds }, { key: "job-1" }))
    // A ping after it on the same connection: by its answer the bridge has the job.
    await a.call("status.get", {})
    a.close()
    expect(await lost).toBe("IPFA_PROTOCOL_CLOSED")
    const { outputs } = await b.call("session.run", { sessionId: sessions[1]!.sessionId, feeds }, { key: "job-1" })
    expect(((outputs.y as Tensor).data as Float32Array)[1025]).toBe(1)
    expect((await b.call("status.get", {})).jobs.done - before).toBe(1)
  })

  test("more than the queue holds are refused, the rest is served", async () => {
    const peer = await t.client()
    const { sessionId } = await peer.call("session.open", { model: "digits" })
    const codes = await Promise.all(
      Array.from({ length: 700 }, (_, i) =>
        code(peer.call("session.run", { sessionId, feeds: { image: digitImage(i % 20) } })),
      ),
    )
    const refused = codes.filter((c) => c === "IPFA_QUEUE_FULL").length
    expect(refused).toBeGreaterThan(0)
    expect(codes.filter((c) => c === "resolved").length).toBe(700 - refused)
  })
})

describe("models", () => {
  test("an upload by parts is verified, named by its hash and runs", async () => {
    const peer = await t.client()
    const bytes = readFileSync(digitsFile)
    const half = bytes.byteLength >> 1
    const put = (offset: number, part: Uint8Array) =>
      peer.call("model.put", { uploadId: "u1", offset, total: bytes.byteLength, bytes: part })
    expect((await put(0, bytes.subarray(0, half))).reference).toBeUndefined()
    const { reference } = await put(half, bytes.subarray(half))
    expect(reference).toMatch(/^sha256:516906e4/)
    const { sessionId } = await peer.call("session.open", { model: reference! })
    const { outputs } = await peer.call("session.run", { sessionId, feeds: { image: digitImage(4) } })
    expect(digitError(logits(outputs), 4)).toBeLessThan(digits.tolerance)
    expect(bytes.byteLength).toBeLessThan(UPLOAD_PART_BYTES)
    const { models } = await peer.call("model.list", {})
    expect(models.find((m) => `sha256:${m.sha256}` === reference)).toMatchObject({
      owners: expect.arrayContaining(["owner"]),
      pinned: true,
    })
  })
})

const stories = sharedModel("stories260k/stories260K_decoder.onnx")

describe.skipIf(stories.skip)(`kept tensors${stories.skip ? ` (${stories.skip})` : ""}`, () => {
  test("stay on the device between runs, belong to their session, and are freed with it", async () => {
    const [peer, other] = await Promise.all([t.client(), t.client()])
    const model = pathToFileURL(stories.path!).href
    const session = await peer.call("session.open", { model })
    const past = session.inputs.filter((i) => i.name.startsWith("past"))
    const int64 = (...x: number[]): Tensor => ({
      dtype: "int64",
      shape: [1, x.length],
      data: BigInt64Array.from(x, BigInt),
    })
    const empty: Tensor = { dtype: "float32", shape: [1, 4, 0, 8], data: new Float32Array() }
    const present = past.map((i) => i.name.replace("past_key_values", "present"))
    const step = (token: number, at: number, cache: (i: number) => Tensor | KeptTensor) =>
      peer.call("session.run", {
        sessionId: session.sessionId,
        feeds: {
          input_ids: int64(token),
          position_ids: int64(at),
          ...Object.fromEntries(past.map((p, i) => [p.name, cache(i)])),
        },
        keep: present,
      })
    const first = await step(1, 0, () => empty)
    const kept = (outputs: typeof first.outputs) => (i: number) => outputs[present[i]!] as KeptTensor
    expect(kept(first.outputs)(0)).toMatchObject({ dtype: "float32", shape: [1, 4, 1, 8], kept: expect.any(String) })
    const second = await step(403, 1, kept(first.outputs))
    expect(kept(second.outputs)(0).shape).toEqual([1, 4, 2, 8])

    const theirs = await other.call("session.open", { model })
    const stolen = other.call("session.run", {
      sessionId: theirs.sessionId,
      feeds: {
        input_ids: int64(1),
        position_ids: int64(0),
        ...Object.fromEntries(past.map((p, i) => [p.name, kept(first.outputs)(i)])),
      },
    })
    expect(await code(stolen)).toBe("IPFA_SESSION_KEPT")

    await peer.call("session.release", {
      sessionId: session.sessionId,
      kept: present.map((_, i) => kept(first.outputs)(i).kept),
    })
    expect(await code(step(403, 1, kept(first.outputs)))).toBe("IPFA_SESSION_KEPT")
  })
})

describe("evidence", () => {
  test("a benchmark's samples are stored and shown", async () => {
    const peer = await t.client()
    const events: string[] = []
    const { rows, absent } = await peer.call(
      "benchmark.run",
      { model: "digits", feeds: { image: digitImage(0) }, samples: 5, warmup: 1 },
      { onEvent: (e) => void events.push(e.device) },
    )
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({ n: 5, device: { id: "native-cpu", agent: "native" } })
    expect(rows[0]!.samplesMs).toHaveLength(5)
    expect(absent.map((a) => a.id)).toContain("native-dml")
    expect(new Set(events)).toEqual(new Set(["native/native-cpu"]))
    const { json } = await t.http("GET", "/v1/benchmarks?device=native-cpu")
    expect(json.benchmarks[0]).toMatchObject({
      agent: "native",
      scenario: "SingleStream",
      n: 5,
      samplesMs: rows[0]!.samplesMs,
    })
    expect(existsSync(path.join(t.dir, "evidence.duckdb"))).toBe(true)
  })

  test("each run of a native process leaves a row", async () => {
    const peer = await t.client()
    const bytes = adderModel(1)
    const part = { uploadId: crypto.randomUUID(), offset: 0, total: bytes.byteLength, bytes }
    const { reference } = await peer.call("model.put", part)
    const { sessionId, model } = await peer.call("session.open", { model: reference as string })
    for (let i = 0; i < 4; i++) await peer.call("session.run", { sessionId, feeds: { x: floats(i) } })
    // The first is not a steady one.
    await expect
      .poll(() => evidence.runs({ model: model.sha256 }))
      .toEqual([expect.objectContaining({ agent: "native", device: "native-cpu", n: 3, failed: 0 })])
  })
})

test("a connection that ends gives back what it leased", async () => {
  const peer: Peer = await t.client()
  const watcher = await t.client()
  const { sessionId } = await peer.call("session.open", { model: "digits" })
  const isThere = async () => (await watcher.call("status.get", {})).sessions.some((s) => s.sessionId === sessionId)
  expect(await isThere()).toBe(true)
  peer.close()
  await expect.poll(isThere).toBe(false)
})
