import { connect, createAccelerator, type ModelSignature, numbers, type Session, tensor } from "ipfs-accelerate"
import { createHardwareAbstraction } from "ipfs-accelerate/hardware"
import { createKernels, GpuTensor } from "ipfs-accelerate/kernels"
import { useAccelerator, useModel } from "ipfs-accelerate/react"

// Compiled by the package's test as a user would, outside of this repository. Each @ts-expect-error is a claim.

type Digits = ModelSignature<{
  inputs: { image: "float32"; hint?: "int64" }
  outputs: { logits: "float32"; state: "float16" }
}>

export async function typed(): Promise<number[]> {
  const ai = await createAccelerator({ workerUrl: "/worker.js", assetsUrl: "/ort/" })
  const via: "extension" | "page" = ai.via
  const session = await ai.load<Digits>("https://models.example.com/digits.onnx", {
    device: "webgpu",
    onProgress: (p) => p.loaded,
  })
  const image = tensor("float32", [1, 64], new Float32Array(64))
  const { outputs, timing } = await session.run({ image }, { keep: ["state"] })
  const logits: Float32Array = outputs.logits.data
  await session.run({ image, hint: tensor("int64", [1], [1n]) })
  await outputs.state.dispose()
  // @ts-expect-error: it stayed on the device
  outputs.state.data
  // @ts-expect-error: there is no such output to keep
  await session.run({ image }, { keep: ["other"] })
  // @ts-expect-error: another dtype
  await session.run({ image: tensor("int32", [1], [1]) })
  // @ts-expect-error: another name
  await session.run({ input: image })
  // @ts-expect-error: nothing fed
  await session.run({})
  // @ts-expect-error: another kind of array
  await session.run({ image: { dtype: "float32", shape: [1], data: new Int32Array(1) } })
  return [...logits, timing.runMs, via.length]
}

export async function untyped(model: Uint8Array): Promise<number[]> {
  const ai = await connect({ url: "ws://127.0.0.1:1", token: "t" })
  const session: Session = await ai.load(model)
  const { outputs } = await session.run({ x: { dtype: "float16", shape: [1], data: new Uint16Array(1) } })
  // What a run gave can feed the next.
  const again = await session.run({ x: outputs.y! })
  const { getOptimalBackendForModel } = await createHardwareAbstraction({
    accelerator: ai,
    preferredBackends: ["webgpu"],
  })
  const best = await getOptimalBackendForModel("sha256:00")
  return numbers(again.outputs.y!).concat(best.others.length, GpuTensor.length)
}

export async function kernels(device: Parameters<typeof createKernels>[0]): Promise<number> {
  const { tensor, add, where, less, matmul, concat, split, oneHot, pad, scatterNd, resize, conv1d, groupNorm } =
    createKernels(device)
  const x = tensor({ dtype: "float32", shape: [2], data: Float32Array.of(1, 2) })
  const n = tensor({ dtype: "int32", shape: [2], data: Int32Array.of(1, 2) })
  const sum: Float32Array = await (await add(x, x)).read()
  const whole: Int32Array = await (await where(await less(n, n), n, n)).read()
  // @ts-expect-error: another kind of array
  tensor({ dtype: "float32", shape: [2], data: Int32Array.of(1, 2) })
  // @ts-expect-error: two dtypes
  await add(x, n)
  // @ts-expect-error: two dtypes
  await less(n, x)
  // @ts-expect-error: two dtypes
  await where(await less(x, x), x, n)
  // @ts-expect-error: the condition is a number
  await where(x, x, x)
  const bytes = tensor({ dtype: "int8", shape: [2], data: Int8Array.of(1, 2) })
  const narrow: Int8Array = await (await add(bytes, n)).read("int8")
  const truth: Uint8Array = await (await less(bytes, n)).read("bool")
  // @ts-expect-error: floating-point numbers as whole ones
  await x.read("int8")
  // @ts-expect-error: numbers as true and false
  await n.read("bool")
  // @ts-expect-error: no kernel computes it
  tensor({ dtype: "float64", shape: [1], data: Float64Array.of(1) })
  // @ts-expect-error: a product of whole numbers
  await matmul(n, n)
  const joined: Int32Array = await (await concat(split(n, 2), { axis: 0 })).read()
  // @ts-expect-error: two dtypes
  await concat([x, n])
  const hot: Float32Array = await (await oneHot(n, { depth: 3 })).read()
  const wholeHot: Int32Array = await (await oneHot(n, { depth: 3, dtype: "int32" })).read()
  // @ts-expect-error: an index is a whole number
  await oneHot(x, { depth: 3 })
  // @ts-expect-error: no such mode
  await pad(x, { pads: [1, 1], mode: "circular" })
  // @ts-expect-error: nothing said of how much
  await pad(x, { mode: "edge" })
  // @ts-expect-error: two dtypes
  await scatterNd(x, n, n)
  const larger: Int32Array = await (await resize(n, { scales: [2] })).read()
  const between: Float32Array = await (await resize(x, { sizes: [4], mode: "linear" })).read()
  // @ts-expect-error: whole numbers have nothing between them
  await resize(n, { sizes: [4], mode: "linear" })
  // @ts-expect-error: both
  await resize(x, { sizes: [4], scales: [2] })
  // @ts-expect-error: no such coordinates
  await resize(x, { sizes: [4], coordinates: "pixel" })
  // @ts-expect-error: weights that are whole numbers
  await conv1d(x, n)
  // @ts-expect-error: nothing said of the groups
  await groupNorm(x, x, x)
  return [sum, whole, narrow, truth, joined, hot, wholeHot, larger, between].length
}

export function Component(): string {
  const { accelerator, error } = useAccelerator()
  const { session, loading } = useModel<Digits>(accelerator, "https://models.example.com/digits.onnx")
  return loading ? (error?.code ?? "") : (session?.device.adapter ?? "")
}
