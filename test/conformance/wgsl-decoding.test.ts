import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { WgslSession } from "../../engine/backends/wgsl/session.ts"
import { KernelRuntime } from "../../kernels/index.ts"
import type { KeptTensor, Tensor } from "../../protocol/index.ts"
import { softwareDevice } from "../kernels/software-gpu.ts"
import { sharedModel } from "../support/shared.ts"

vi.setConfig({ testTimeout: 120_000 })

let device: GPUDevice
beforeAll(async () => {
  device = await softwareDevice()
})
afterAll(() => device?.destroy())

const stories = sharedModel("stories260k")
const TOKENS = 24

test.skipIf(stories.skip)(
  `a KV cache that grows by a token each run compiles nothing once it has grown and digests no weights again${stories.skip ? ` (${stories.skip})` : ""}`,
  async () => {
    const read = (name: string) => readFileSync(join(stories.path!, name))
    const { token_ids } = JSON.parse(read("expected_greedy.json").toString()) as { token_ids: number[] }
    const session = await WgslSession.open(new KernelRuntime(device), new Uint8Array(read("stories260K_decoder.onnx")))
    const caches = session.outputs.map(({ name }) => name).filter((name) => name.startsWith("present"))
    const ids = (id: number): Tensor => ({ dtype: "int64", shape: [1, 1], data: BigInt64Array.of(BigInt(id)) })
    const empty: Tensor = { dtype: "float32", shape: [1, 4, 0, 8], data: new Float32Array() }
    let past = caches.map((): Tensor | KeptTensor => empty)
    let token = 1
    const step = async (at: number) => {
      const feeds = Object.fromEntries(caches.map((name, i) => [name.replace("present", "past_key_values"), past[i]!]))
      const { outputs } = await session.run(
        { input_ids: ids(token), position_ids: ids(at), ...feeds },
        { keep: caches },
      )
      session.release(past.flatMap((tensor) => ("kept" in tensor ? [tensor.kept] : [])))
      past = caches.map((name) => outputs[name]!)
      const logits = (outputs.logits as Tensor<"float32">).data
      token = logits.indexOf(Math.max(...logits))
      return token
    }
    const modules = vi.spyOn(device, "createShaderModule")
    const pipelines = vi.spyOn(device, "createComputePipelineAsync")
    const digests = vi.spyOn(crypto.subtle, "digest")
    const story = [await step(0), await step(1)]
    // What the next sizes need is compiled while that token is computed; each pipeline has a module of its own.
    await vi.waitFor(() => expect(pipelines.mock.calls.length).toBe(modules.mock.calls.length))
    for (const spy of [modules, pipelines, digests]) spy.mockClear()
    for (let at = 2; at < TOKENS; at++) story.push(await step(at))
    expect(story).toEqual(token_ids.slice(0, TOKENS))
    expect(modules).not.toHaveBeenCalled()
    expect(pipelines).not.toHaveBeenCalled()
    expect(digests).not.toHaveBeenCalled()
    await session.close()
    vi.restoreAllMocks()
  },
)
