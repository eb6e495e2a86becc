import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { createNative } from "../../engine/backends/native.ts"
import { inProcessHost } from "../../engine/in-process-host.ts"
import type { KeptTensor, Tensor } from "../../protocol/index.ts"
import { type TestPool, testPool } from "../support/pool.ts"
import { sharedModel } from "../support/shared.ts"

let t: TestPool | undefined
afterEach(() => t?.close())

const digits = join(import.meta.dirname, "../../models/digits")
const native = () => inProcessHost("native-cpu", () => createNative("cpu", 1))
const argmax = (values: ArrayLike<number>) => {
  const all = Array.from(values)
  return all.indexOf(Math.max(...all))
}

describe("a pool over onnxruntime-node", () => {
  test("knows its device, and runs digits rightly for two callers on one session", async () => {
    t = testPool([native()])
    const { devices, absent } = await t.pool.hardware()
    expect(devices).toMatchObject([{ id: "native-cpu", state: "ready", probe: { ok: true } }])
    expect(absent).toEqual([])
    const model = t.publish("digits", new Uint8Array(await readFile(join(digits, "digits.onnx"))))
    const { samples, tolerance } = JSON.parse(await readFile(join(digits, "samples.json"), "utf8")) as {
      tolerance: number
      samples: { image: number[]; logits: number[] }[]
    }
    const clients = [t.connect({ origin: "https://a.test" }), t.connect({ origin: "https://b.test" })]
    const sessions = await Promise.all(clients.map((client) => client.open(model)))
    const answers = await Promise.all(
      samples.map(async ({ image }, i) => {
        const [client, { sessionId }] = [clients[i % 2]!, sessions[i % 2]!]
        const feeds = { image: { dtype: "float32" as const, shape: [1, 1, 8, 8], data: Float32Array.from(image) } }
        const { outputs } = await client.peer.call("session.run", { sessionId, feeds })
        return [...(outputs.logits as Tensor<"float32">).data]
      }),
    )
    for (const [i, { logits }] of samples.entries())
      for (const [j, logit] of logits.entries()) expect(Math.abs(answers[i]![j]! - logit)).toBeLessThan(tolerance)
    expect(t.measurements.filter(({ kind }) => kind === "open")).toHaveLength(1)
    expect(t.measurements.filter(({ kind, ok }) => kind === "run" && ok)).toHaveLength(samples.length - 1)
  })

  const stories = sharedModel("stories260k")
  test.skipIf(stories.skip)("keeps a KV cache on the device from token to token", async () => {
    t = testPool([native()])
    const client = t.connect()
    const { peer } = client
    const session = await client.open(
      t.publish("stories", new Uint8Array(await readFile(join(stories.path!, "stories260K_decoder.onnx")))),
    )
    const { sessionId, inputs, outputs } = session
    const cached = inputs.filter(({ name }) => name.startsWith("past_key_values")).map(({ name }) => name)
    const present = (name: string) => name.replace("past_key_values", "present")
    const keep = outputs.map(({ name }) => name).filter((name) => name.startsWith("present"))
    expect(keep).toHaveLength(10)
    let past: Record<string, Tensor | KeptTensor> = Object.fromEntries(
      cached.map((name) => [name, { dtype: "float32", shape: [1, 4, 0, 8], data: new Float32Array(0) }]),
    )
    const tokens: number[] = []
    for (let position = 0, token = 1; position < 40; position++) {
      const id = (n: number): Tensor => ({ dtype: "int64", shape: [1, 1], data: BigInt64Array.of(BigInt(n)) })
      const feeds = { input_ids: id(token), position_ids: id(position), ...past }
      const result = await peer.call("session.run", { sessionId, feeds, keep })
      const old = Object.values(past).flatMap((tensor) => ("kept" in tensor ? [tensor.kept] : []))
      await peer.call("session.release", { sessionId, kept: old })
      past = Object.fromEntries(cached.map((name) => [name, result.outputs[present(name)]!]))
      token = argmax((result.outputs.logits as Tensor<"float32">).data)
      tokens.push(token)
    }
    const expected = JSON.parse(await readFile(join(stories.path!, "expected_greedy.json"), "utf8"))
    expect(tokens).toEqual(expected.token_ids.slice(0, 40))
    // One cache is left: 10 tensors of 40 positions, 4 heads, 8 floats of 4 bytes.
    const { sessions } = await peer.call("status.get", {})
    const before = sessions[0]!.memoryBytes
    const left = Object.values(past).map((tensor) => (tensor as KeptTensor).kept)
    await peer.call("session.release", { sessionId, kept: left })
    const after = (await peer.call("status.get", {})).sessions[0]!.memoryBytes
    expect(before - after).toBe(10 * 40 * 4 * 8 * 4)
  })
})
