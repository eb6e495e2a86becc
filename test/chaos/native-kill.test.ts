import { writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { afterEach, beforeEach, expect, test } from "vitest"
import { Evidence } from "../../bridge-server/storage/index.ts"
import { AccelerateError, type Peer, type Tensor } from "../../protocol/index.ts"
import { adderHost } from "../support/adder.ts"
import {
  digitError,
  digitImage,
  digits,
  fleetWill,
  identity,
  joinAgent,
  nativeIsThere,
  productModel,
  type TestBridge,
  testBridge,
} from "../support/bridge.ts"
import { testPool } from "../support/pool.ts"

const SIDE = 1024

let t: TestBridge
let peer: Peer
let slow: string

beforeEach(async () => {
  t = await testBridge()
  const file = path.join(t.dir, "slow.onnx")
  writeFileSync(file, productModel(SIDE, 60))
  slow = pathToFileURL(file).href
  await nativeIsThere(t.bridge)
  peer = await t.client()
})
afterEach(() => t.close())

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error) => (error instanceof AccelerateError ? error.code : String(error)),
  )

const pidOf = () => t.bridge.fleet.get("native")!
/** The process that computes on the CPU. */
const nativePid = (): number => t.bridge.nativePid("native")!

/** Starts a run, and resolves when it is on the device. */
async function running(sessionId: string, options: object = {}) {
  const answer = peer.call("session.run", { sessionId, feeds: { x: identity(SIDE) } }, options)
  answer.catch(() => {})
  await expect.poll(() => t.bridge.router.parts.slots.running, { interval: 5 }).toBe(1)
  return { answer }
}

function expectIdentity(outputs: Record<string, unknown>): void {
  const { data } = outputs.y as Tensor<"float32">
  expect(data.length).toBe(SIDE * SIDE)
  expect(data.every((value, i) => value === (i % (SIDE + 1) === 0 ? 1 : 0))).toBe(true)
}

test("kill -9 of the native child in mid-run costs one retry: the right answer comes, and says so", async () => {
  const { sessionId } = await peer.call("session.open", { model: slow })
  const before = pidOf()
  const pid = nativePid()
  const { answer } = await running(sessionId)
  process.kill(pid, "SIGKILL")
  const { outputs, ...result } = await answer
  expectIdentity(outputs)
  expect(result).toMatchObject({ device: "native-cpu", agent: "native", reruns: 1 })
  // The same device of the child that was started instead: nothing it fell back from.
  expect(result.fellBackFrom).toBeUndefined()
  expect(nativePid()).not.toBe(pid)
  expect(pidOf().incarnation).toBeGreaterThan(before.incarnation)
})

test("jobs that wait when the child is killed are served too, each with its own answer", async () => {
  const { sessionId } = await peer.call("session.open", { model: slow })
  const quick = await peer.call("session.open", { model: "digits" })
  const { answer } = await running(sessionId)
  const waiting = [0, 1, 2, 3, 4, 5].map((i) =>
    peer.call("session.run", { sessionId: quick.sessionId, feeds: { image: digitImage(i) } }),
  )
  process.kill(nativePid(), "SIGKILL")
  expectIdentity((await answer).outputs)
  for (const [i, result] of (await Promise.all(waiting)).entries())
    expect(digitError((result.outputs.logits as Tensor<"float32">).data, i)).toBeLessThan(digits.tolerance)
})

test("a job whose device was forced waits for that device, and runs nowhere else", async () => {
  const host = adderHost("webgpu")
  const { pool } = testPool([host])
  await joinAgent(t.bridge, pool, "laptop")
  const { sessionId } = await peer.call("session.open", { model: slow, device: "native-cpu" })
  const { answer } = await running(sessionId)
  process.kill(nativePid(), "SIGKILL")
  expect(await answer).toMatchObject({ device: "native-cpu", reruns: 1 })
  expect(host.opens).toBe(0)
  pool.close()
})

test("killed twice under one job, it ends with IPFA_JOB_LOST: no job is tried for ever", async () => {
  const { sessionId } = await peer.call("session.open", { model: slow })
  const { answer } = await running(sessionId)
  const first = nativePid()
  process.kill(first, "SIGKILL")
  await fleetWill(
    t.bridge,
    (b) => ![first, undefined].includes(b.nativePid("native")) && b.fleet.get("native") !== undefined,
  )
  await expect.poll(() => t.bridge.router.parts.slots.running, { interval: 5 }).toBe(1)
  process.kill(nativePid(), "SIGKILL")
  expect(await code(answer)).toBe("IPFA_JOB_LOST")
  // And the third child serves the next one.
  expectIdentity((await peer.call("session.run", { sessionId, feeds: { x: identity(SIDE) } })).outputs)
})

test("a job whose deadline passes while the child is being replaced ends at its deadline", async () => {
  // So long that no machine has run it again by then.
  writeFileSync(fileURLToPath(slow), productModel(SIDE, 600))
  const { sessionId } = await peer.call("session.open", { model: slow })
  const start = performance.now()
  const { answer } = await running(sessionId, { deadlineMs: 2500 })
  process.kill(nativePid(), "SIGKILL")
  expect(await code(answer)).toBe("IPFA_JOB_DEADLINE")
  expect(performance.now() - start).toBeLessThan(4000)
})

test("over HTTP, too, a killed child costs one retry", async () => {
  const x = Buffer.from(identity(SIDE).data.buffer)
  const head = Buffer.from(
    JSON.stringify({
      parameters: { binary_data_output: true },
      inputs: [{ name: "x", shape: [SIDE, SIDE], datatype: "FP32", parameters: { binary_data_size: x.byteLength } }],
    }),
  )
  const answer = t.http("POST", `/v2/models/${encodeURIComponent(slow)}/infer`, Buffer.concat([head, x]), {
    "content-type": "application/octet-stream",
    "inference-header-content-length": String(head.byteLength),
  })
  await expect.poll(() => t.bridge.router.parts.slots.running, { interval: 5 }).toBe(1)
  process.kill(nativePid(), "SIGKILL")
  const { status, headers, bytes } = await answer
  expect(status).toBe(200)
  const length = Number(headers["inference-header-content-length"])
  const json = JSON.parse(bytes.subarray(0, length).toString())
  expect(json.parameters).toMatchObject({ device: "native-cpu", agent: "native", reruns: 1 })
  const data = new Float32Array(new Uint8Array(bytes.subarray(length)).buffer)
  expectIdentity({ y: { dtype: "float32", shape: [SIDE, SIDE], data } })
})

test("tensors that were kept on a killed child are gone, and that is what the next run says", async () => {
  const { sessionId } = await peer.call("session.open", { model: "digits" })
  const { outputs } = await peer.call("session.run", { sessionId, feeds: { image: digitImage(0) }, keep: ["logits"] })
  const kept = outputs.logits as { kept: string; shape: number[]; dtype: "float32" }
  process.kill(nativePid(), "SIGKILL")
  expect(await code(peer.call("session.run", { sessionId, feeds: { image: kept } }))).toBe("IPFA_SESSION_KEPT")
  const next = await peer.call("session.run", { sessionId, feeds: { image: digitImage(1) } })
  expect(digitError((next.outputs.logits as Tensor<"float32">).data, 1)).toBeLessThan(digits.tolerance)
})

test("a child that stays blocked after its job was given up is ended, and others are served", async () => {
  await t.close()
  t = await testBridge({ stuckMs: 300 })
  const file = path.join(t.dir, "endless.onnx")
  writeFileSync(file, productModel(SIDE, 2000))
  await nativeIsThere(t.bridge)
  peer = await t.client()
  const { sessionId } = await peer.call("session.open", { model: pathToFileURL(file).href })
  const quick = await peer.call("session.open", { model: "digits" })
  const pid = nativePid()
  const { answer } = await running(sessionId, { deadlineMs: 500 })
  const other = peer.call("session.run", { sessionId: quick.sessionId, feeds: { image: digitImage(2) } })
  expect(await code(answer)).toBe("IPFA_JOB_DEADLINE")
  const { outputs } = await other
  expect(digitError((outputs.logits as Tensor<"float32">).data, 2)).toBeLessThan(digits.tolerance)
  expect(nativePid()).not.toBe(pid)
})

test("a killed run leaves a row that says so", async () => {
  await t.close()
  let evidence: Evidence | undefined
  t = await testBridge({ evidence: async (file) => (evidence = await Evidence.open(file, { software: "test" })) })
  const file = path.join(t.dir, "slow.onnx")
  writeFileSync(file, productModel(SIDE, 60))
  await nativeIsThere(t.bridge)
  peer = await t.client()
  const quick = await peer.call("session.open", { model: "digits" })
  const { sessionId, model } = await peer.call("session.open", { model: pathToFileURL(file).href })
  for (let i = 0; i < 3; i++)
    await peer.call("session.run", { sessionId: quick.sessionId, feeds: { image: digitImage(i) } })
  const rows = async () =>
    (await evidence!.seed("native"))
      .map((m) => `${m.model === model.sha256 ? "slow" : "quick"} ${m.kind} ${m.error ?? "ok"}`)
      .sort()
  const before = ["quick first ok", "quick open ok", "quick run ok", "quick run ok", "slow open ok"]
  await expect.poll(rows).toEqual(before)
  const { answer } = await running(sessionId)
  process.kill(nativePid(), "SIGKILL")
  await answer
  const after = ["slow first ok", "slow open ok", "slow open ok", "slow run IPFA_DEVICE_LOST"]
  await expect.poll(rows).toEqual([...before.slice(0, 4), ...after])
})

test("stopping the bridge-server ends its children, also one that computes", async () => {
  const { sessionId } = await peer.call("session.open", { model: slow })
  const { answer } = await running(sessionId)
  const pid = nativePid()
  await t.bridge.close()
  expect(await code(answer)).toBe("IPFA_PROTOCOL_CLOSED")
  expect(() => process.kill(pid, 0)).toThrow("ESRCH")
})
