/**
 * Convolutions of one pixel, of which MobileNetV2 and SqueezeNet mostly consist, with channels last (NHWC: a product [pixels, channels] · [channels, outs]) against channels first (NCHW: as
 * ONNX has them), on our own kernels, in Node through Dawn. What docs/design/0009 is decided by. `node bench/layout.ts [--budget MS]`
 */
import { parseArgs } from "node:util"
import { adapterName, requestFullDevice } from "../engine/backends/webgpu-adapter.ts"
import { createKernels, type GpuTensor } from "../kernels/index.ts"
import { compare, type Row, writeResult } from "./harness.ts"
import { difference } from "./kernels/difference.ts"
import { wave } from "./kernels/feeds.ts"
import { nodeAdapter } from "./kernels/node-adapter.ts"
import { lasting } from "./kernels/peaks.ts"

const { budget } = parseArgs({ options: { budget: { type: "string", default: "15000" } } }).values

/** Channels, outs and side of an image: from MobileNetV2's first to its last, and one of SqueezeNet's. Those of 7 and 27 have no whole fours of pixels. */
const sizes = [
  [32, 16, 112],
  [16, 96, 112],
  [96, 24, 56],
  [144, 32, 28],
  [384, 64, 14],
  [576, 160, 7],
  [320, 1280, 7],
  [64, 256, 27],
] as const

const adapter = await nodeAdapter()
const device = await requestFullDevice(adapter)
const gpu = createKernels(device)
const rows: Row[] = []

const values = async (tensor: GpuTensor) => ({
  y: { dtype: "float32" as const, shape: [...tensor.shape], data: (await tensor.read()) as Float32Array<ArrayBuffer> },
})

for (const [channels, outs, side] of sizes) {
  const tensors = {
    first: gpu.tensor(wave([1, channels, side, side])),
    weights: gpu.tensor(wave([outs, channels, 1, 1])),
    bias: gpu.tensor(wave([outs])),
  }
  const pixels = side * side
  const last = await gpu.transpose(tensors.first.share([channels, pixels]))
  const matrix = await gpu.transpose(tensors.weights.share([outs, channels]))
  const nchw = () => gpu.conv2d(tensors.first, tensors.weights, tensors.bias)
  const nhwc = () => gpu.gemm(last, matrix, tensors.bias)
  const name = `1x1 convolution, ${channels} to ${outs} channels at ${side}x${side}`
  const [ours, theirs] = [await nhwc(), await nchw()]
  const turned = await gpu.transpose(theirs.share([outs, pixels]))
  const off = difference(await values(ours), await values(turned))
  if (!(off < 1e-5)) throw new Error(`${name}: the two differ by ${off}.`)
  const timed = (run: () => Promise<GpuTensor>) => async (much: number) => {
    for (let i = 0; i < much; i++) (await run()).destroy()
    await device.queue.onSubmittedWorkDone()
  }
  const much = await lasting(timed(nchw))
  const arm = (name: string, run: () => Promise<GpuTensor>) => ({
    name,
    run: async () => {
      const start = performance.now()
      await timed(run)(much)
      return (performance.now() - start) / much
    },
  })
  rows.push(
    await compare({
      case: name,
      subject: arm("channels last", nhwc),
      baseline: arm("channels first", nchw),
      unit: "ms",
      budgetMs: Number(budget),
    }),
  )
  for (const tensor of [...Object.values(tensors), last, matrix, ours, theirs, turned]) tensor.destroy()
}
writeResult("layout", rows, [], `${adapterName(adapter.info)} through Dawn`)
// Dawn's threads would keep the process
process.exit(0)
