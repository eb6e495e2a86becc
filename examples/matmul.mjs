// node examples/matmul.mjs: two matrices, multiplied on the GPU. In a page, `gpu` is navigator.gpu.
import { createKernels } from "ipfs-accelerate/kernels"
import { create } from "webgpu"

const gpu = create([])
const device = await (await gpu.requestAdapter()).requestDevice()
const { tensor, matmul } = createKernels(device)
const a = tensor({ dtype: "float32", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) })
const b = tensor({ dtype: "float32", shape: [3, 2], data: Float32Array.of(1, 0, 0, 1, 1, 1) })
const c = await matmul(a, b)
console.log(c.shape, await c.read())
device.destroy()
