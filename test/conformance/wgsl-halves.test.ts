import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { WgslSession } from "../../engine/backends/wgsl/session.ts"
import { KernelRuntime } from "../../kernels/index.ts"
import { float16Bits, float16Value, type Tensor } from "../../protocol/index.ts"
import { softwareDevice } from "../kernels/software-gpu.ts"
import { model, value } from "./tiny-models.ts"

const [rows, inner, cols] = [3, 31, 5]
const bits = (count: number, at: (i: number) => number) =>
  Uint16Array.from({ length: count }, (_, i) => float16Bits(at(i)))
/** Whole numbers, so that every sum is exact. */
const x = bits(rows * inner, (i) => (i % 7) - 3)
const w = bits(inner * cols, (i) => (i % 5) - 2)

const bytes = (isOutput: boolean) =>
  model({
    inputs: [value("x", "float16", [rows, inner])],
    outputs: [value("y", "float16", [rows, cols]), ...(isOutput ? [value("same", "float16", [inner, cols])] : [])],
    nodes: [
      { opType: "MatMul", input: ["x", "w"], output: ["y"] },
      ...(isOutput ? [{ opType: "Identity", input: ["w"], output: ["same"] }] : []),
    ],
    weights: [{ name: "w", dims: [inner, cols], data: new Uint8Array(w.buffer), dtype: "float16" }],
  })

describe("float16 weights on our kernels", () => {
  let device: GPUDevice
  let uploaded: number[] = []
  beforeAll(async () => {
    device = await softwareDevice()
    const create = device.createBuffer.bind(device)
    device.createBuffer = (descriptor) => {
      if (descriptor.label === "weights") uploaded.push(descriptor.size)
      return create(descriptor)
    }
  })
  afterAll(() => device?.destroy())

  const run = async (isOutput: boolean) => {
    uploaded = []
    const session = await WgslSession.open(new KernelRuntime(device), bytes(isOutput))
    try {
      const { outputs } = await session.run({ x: { dtype: "float16", shape: [rows, inner], data: x } }, {})
      return outputs as Record<string, Tensor>
    } finally {
      await session.close()
    }
  }

  test("are on the device as the model stores them, two bytes each, and give the right answer", async () => {
    const { y } = await run(false)
    const wanted = bits(rows * cols, (at) => {
      let sum = 0
      for (let k = 0; k < inner; k++)
        sum += float16Value(x[Math.floor(at / cols) * inner + k]!) * float16Value(w[k * cols + (at % cols)]!)
      return sum
    })
    expect(y!.data).toEqual(wanted)
    // An odd number of them, and what is missing to a word.
    expect(uploaded).toEqual([inner * cols * 2 + 2])
  })

  test("are there as float32 as well only where a model gives them out", async () => {
    const { same } = await run(true)
    expect(same!.data).toEqual(w)
    expect(uploaded.toSorted((a, b) => a - b)).toEqual([inner * cols * 2 + 2, inner * cols * 4])
  })
})
