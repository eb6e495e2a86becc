// node examples/mlp.mjs: a small network, two inputs to two hidden units to one output, that computes exclusive or.
import { createKernels } from "ipfs-accelerate/kernels"
import { create } from "webgpu"

const gpu = create([])
const device = await (await gpu.requestAdapter()).requestDevice()
const { tensor, gemm, relu } = createKernels(device)
const floats = (shape, ...values) => tensor({ dtype: "float32", shape, data: Float32Array.from(values) })

/** x [rows, inputs] → [rows, outputs]; what lies between is freed once it was used. */
const linear = (weights, bias) => (x) => gemm(x, weights, bias)
const layers = [
  linear(floats([2, 2], 1, 1, 1, 1), floats([2], 0, -1)),
  relu,
  linear(floats([2, 1], 1, -2), floats([1], 0)),
]
let x = floats([4, 2], 0, 0, 0, 1, 1, 0, 1, 1)
for (const layer of layers) {
  const y = await layer(x)
  x.destroy()
  x = y
}
console.log(await x.read())
device.destroy()
