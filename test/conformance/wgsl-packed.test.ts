import { create } from "@bufbuild/protobuf"
import * as ort from "onnxruntime-node"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { WgslSession } from "../../engine/backends/wgsl/session.ts"
import { ModelProtoSchema } from "../../graph/generated/onnx_pb.js"
import { elementTypeNumber, writeModel } from "../../graph/index.ts"
import { KernelRuntime } from "../../kernels/index.ts"
import type { Dtype, Tensor } from "../../protocol/index.ts"
import { softwareDevice, softwareLimits } from "../kernels/software-gpu.ts"

interface Given {
  bits: number
  block: number
  m: number
  k: number
  n: number
  zeros?: "packed" | "float"
  bias?: boolean
  /** Scales that float16 holds. */
  half?: boolean
  /** 4: int8 will do for activations. */
  accuracy?: number
}

/** The same for the same seed everywhere (Park and Miller's minimal standard). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
}

/** x [m, k] · packed [n, k], transposed → y [m, n], as exporters write it. */
function model({ bits, block, m, k, n, zeros, bias, half, accuracy = 0 }: Given) {
  const next = random(bits * 1000 + block)
  const groups = Math.ceil(k / block)
  const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(next() * 256))
  const scale = () => (half ? 2 ** -Math.floor(3 + next() * 4) : next() * 0.1)
  const tensors: [string, Dtype, number[], Uint8Array | Float32Array][] = [
    ["w", "uint8", [n, groups, (block * bits) / 8], bytes((n * groups * block * bits) / 8)],
    ["scales", "float32", [n * groups], Float32Array.from({ length: n * groups }, scale)],
  ]
  const rowBytes = Math.ceil((groups * bits) / 8)
  if (zeros === "packed") tensors.push(["zeros", "uint8", [n * rowBytes], bytes(n * rowBytes)])
  if (zeros === "float")
    tensors.push(["zeros", "float32", [n * groups], Float32Array.from({ length: n * groups }, () => next() * 8)])
  if (bias) tensors.push(["bias", "float32", [n], Float32Array.from({ length: n }, next)])
  const float = (name: string, dims: number[]) => ({
    name,
    type: {
      value: {
        case: "tensorType" as const,
        value: { elemType: 1, shape: { dim: dims.map((d) => ({ value: { case: "dimValue" as const, value: BigInt(d) } })) } }, // biome-ignore format: a shape
      },
    },
  })
  const int = (name: string, i: number) => ({ name, type: 2, i: BigInt(i) })
  const proto = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [
      { domain: "", version: 21n },
      { domain: "com.microsoft", version: 1n },
    ],
    graph: {
      name: "packed",
      input: [float("x", [m, k])],
      output: [float("y", [m, n])],
      node: [
        {
          opType: "MatMulNBits",
          domain: "com.microsoft",
          input: ["x", "w", "scales", zeros ? "zeros" : "", "", bias ? "bias" : ""],
          output: ["y"],
          attribute: [
            int("K", k),
            int("N", n),
            int("bits", bits),
            int("block_size", block),
            int("accuracy_level", accuracy),
          ],
        },
      ],
      initializer: tensors.map(([name, dtype, dims, data]) => ({
        name,
        dims: dims.map(BigInt),
        dataType: elementTypeNumber(dtype),
        rawData: new Uint8Array(data.buffer as ArrayBuffer),
      })),
    },
  })
  const x = Float32Array.from({ length: m * k }, () => next() - 0.5)
  return { bytes: new Uint8Array(writeModel(proto)), x: { dtype: "float32" as const, shape: [m, k], data: x } }
}

describe("MatMulNBits on our kernels", () => {
  let runtime: KernelRuntime
  beforeAll(async () => {
    const device = await softwareDevice()
    runtime = new KernelRuntime(device, softwareLimits(device))
  })
  afterAll(() => runtime?.device.destroy())

  const ours = async (bytes: Uint8Array, x: Tensor): Promise<Tensor> => {
    const session = await WgslSession.open(runtime, bytes)
    try {
      return (await session.run({ x }, {})).outputs.y as Tensor
    } finally {
      await session.close()
    }
  }

  test.each<Given>([
    { bits: 4, block: 32, m: 1, k: 128, n: 12 },
    { bits: 4, block: 128, m: 5, k: 300, n: 7, zeros: "packed", bias: true },
    { bits: 4, block: 32, m: 6, k: 96, n: 9, zeros: "packed", half: true },
    { bits: 4, block: 64, m: 1, k: 192, n: 5, zeros: "float" },
    { bits: 4, block: 256, m: 2, k: 300, n: 5, zeros: "packed" },
    { bits: 8, block: 32, m: 3, k: 160, n: 6, half: true },
    { bits: 8, block: 64, m: 5, k: 128, n: 8, zeros: "packed" },
    { bits: 2, block: 32, m: 4, k: 64, n: 6, half: true },
    { bits: 2, block: 64, m: 2, k: 192, n: 10, zeros: "packed" },
  ])("$bits bits in blocks of $block, $m×$k×$n, zeros $zeros: onnxruntime-node's numbers", async (given) => {
    const { bytes, x } = model(given)
    const session = await ort.InferenceSession.create(bytes, { executionProviders: ["cpu"] })
    const { y } = await session.run({ x: new ort.Tensor("float32", x.data, x.shape) })
    await session.release()
    const got = await ours(bytes, x)
    expect(got.shape).toEqual([given.m, given.n])
    const want = y!.data as Float32Array
    const most = Math.max(...want.map(Math.abs))
    for (const [i, value] of want.entries())
      expect(Math.abs((got.data as Float32Array)[i]! - value), `${i}`).toBeLessThanOrEqual(1e-5 * most)
  })

  test.each([
    { bits: 4, block: 32, m: 1, k: 128, n: 12 },
    { bits: 8, block: 32, m: 5, k: 160, n: 6 },
  ])(
    "$bits bits, $m×$k×$n, activations as int8 where the model allows it and the adapter has products of them",
    async (given) => {
      const [whole, rounded] = [model({ ...given, half: true }), model({ ...given, half: true, accuracy: 4 })]
      const [want, got] = [await ours(whole.bytes, whole.x), await ours(rounded.bytes, rounded.x)]
      const most = Math.max(...(want.data as Float32Array).map(Math.abs))
      const off = (want.data as Float32Array).map((value, i) => Math.abs((got.data as Float32Array)[i]! - value) / most)
      expect(Math.max(...off)).toBeLessThan(0.01)
      expect(Math.max(...off)).toBeGreaterThan(1e-5)
      const plain = new KernelRuntime(runtime.device)
      const session = await WgslSession.open(plain, rounded.bytes)
      expect(((await session.run({ x: rounded.x }, {})).outputs.y as Tensor).data).toEqual(want.data)
      await session.close()
    },
  )

  test.each<[string, Partial<Given>, RegExp]>([
    ["a block size that has no format", { block: 16 }, /4 bits in blocks of 16/],
    ["a width that has none", { bits: 5 }, /5 bits in blocks of 32/],
  ])("%s is refused with the reason", async (_, part, reason) => {
    const { bytes } = model({ bits: 4, block: 32, m: 1, k: 32, n: 4, ...part })
    await expect(WgslSession.open(runtime, bytes)).rejects.toThrow(reason)
  })
})
