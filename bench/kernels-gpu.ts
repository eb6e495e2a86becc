/**
 * Our kernels in Node, through Dawn, on this machine's GPU: single operations against what the adapter can do at most, whole models against onnxruntime-node's WebGPU
 * provider, from values to values. Without a GPU it runs on a software adapter, to show that it works: then nothing is written, since it says nothing of a GPU.
 * `node bench/kernels-gpu.ts [--budget MS] [--only TEXT] [--winners FILE]`; a file of `npm run tune` has our kernels planned by what was measured on this adapter.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { parseArgs } from "node:util"
import { fromOrt, toOrt } from "../engine/backends/ort-tensor.ts"
import { adapterName, isSoftware, requestFullDevice } from "../engine/backends/webgpu-adapter.ts"
import { findConvFault } from "../engine/backends/webgpu-conv-fault.ts"
import { WgslSession } from "../engine/backends/wgsl/session.ts"
import { adapterKey, createKernels, elems, KernelRuntime, parseWinners, traitsOf } from "../kernels/index.ts"
import type { Tensor } from "../protocol/index.ts"
import { compare, type NotRun, printRows, type Row, writeResult } from "./harness.ts"
import { largeOperations, type OperationCase, operations } from "./kernels/cases.ts"
import { difference } from "./kernels/difference.ts"
import { feedsFor, tensorOf } from "./kernels/feeds.ts"
import { storedOperations, type WholeModel, wholeModels } from "./kernels/models.ts"
import { nodeAdapter } from "./kernels/node-adapter.ts"
import { copyPeak, fmaPeak, isBoundByCompute } from "./kernels/peaks.ts"

const { values } = parseArgs({
  options: { budget: { type: "string", default: "5000" }, only: { type: "string" }, winners: { type: "string" } },
})
const budgetMs = Number(values.budget)
const chosen = ({ name }: { name: string }) => !values.only || name.includes(values.only)
const OURS = "our kernels, Dawn"
const THEIRS = "onnxruntime-node, WebGPU"

const rows: Row[] = []
const notRun: NotRun[] = []

const adapter = await nodeAdapter()
const name = adapterName(adapter.info)
console.log(`adapter: ${name}${isSoftware(adapter) ? ", which is software: nothing will be written" : ""}`)
const device = await requestFullDevice(adapter)
const stored = values.winners && parseWinners(readFileSync(values.winners, "utf8"))[adapterKey(adapter.info)]
const winners = stored ? new Map(Object.entries(stored)) : undefined

async function operation(one: OperationCase): Promise<void> {
  const gpu = createKernels(device, { winners })
  const upload = (shape: number[]) =>
    gpu.tensor({ dtype: "float32", shape, data: tensorOf("float32", shape).data as Float32Array<ArrayBuffer> })
  const inputs = one.shapes.map(upload)
  const into = gpu.tensor({ dtype: "float32", shape: one.output, data: new Float32Array(elems(one.output)) })
  const computes = isBoundByCompute(one)
  const peak = computes ? await fmaPeak(device) : copyPeak(device)
  const rate = (work: number, run: () => Promise<unknown>) => async () => {
    const start = performance.now()
    await run()
    await device.queue.onSubmittedWorkDone()
    return work / (performance.now() - start) / 1e6
  }
  rows.push(
    await compare({
      case: `${one.name}, of the ${computes ? "FMA peak" : "copy bandwidth"}`,
      subject: { name: OURS, run: rate(computes ? one.flops : one.bytes, () => one.run(gpu, inputs, into)) },
      baseline: { name: "the adapter's peak", run: rate(peak.work, peak.run) },
      unit: computes ? "GFLOP/s" : "GB/s",
      budgetMs,
      warmup: 1,
    }),
  )
  for (const tensor of [...inputs, into]) tensor.destroy()
}

async function wholeModel({ name: title, file, missing, dims, tolerance }: WholeModel): Promise<void> {
  if (missing) return void notRun.push({ case: title, reason: missing })
  const model = new Uint8Array(readFileSync(file))
  const session = await WgslSession.open(new KernelRuntime(device, traitsOf(device, winners)), model)
  const feeds = feedsFor(session.inputs, dims)
  const ours = (await session.run(feeds, {})).outputs as Record<string, Tensor>
  try {
    const ort = await import("onnxruntime-node")
    const { model: named, cpuNodes } = findConvFault(model)
    const provider = { name: "webgpu" as const, ...(cpuNodes.length > 0 && { forceCpuNodeNames: cpuNodes }) }
    const theirs = await ort.InferenceSession.create(named, { executionProviders: [provider], logSeverityLevel: 4 })
    const tensors = Object.fromEntries(Object.entries(feeds).map(([key, feed]) => [key, toOrt(ort.Tensor, feed)]))
    const outputs = Object.entries(await theirs.run(tensors)).map(([key, t]) => [key, fromOrt(t, t.data)] as const)
    const apart = difference(ours, Object.fromEntries(outputs))
    if (!(apart <= tolerance)) throw new Error(`its answers differ from ours by ${apart}`)
    const row = await compare({
      case: title,
      subject: { name: OURS, run: async () => void (await session.run(feeds, {})) },
      baseline: { name: THEIRS, run: async () => void (await theirs.run(tensors)) },
      unit: "ms",
      budgetMs,
      warmup: 1,
    })
    rows.push(row)
    await theirs.release()
  } catch (error) {
    notRun.push({
      case: `${title}, ${THEIRS}`,
      reason: String(error instanceof Error ? error.message : error).split("\n")[0]!,
    })
  }
  await session.close()
}

for (const one of (isSoftware(adapter) ? operations.filter(({ ofPeak }) => ofPeak) : largeOperations).filter(chosen)) {
  console.error(`${one.name} …`)
  await operation(one)
}
const dir = mkdtempSync(path.join(tmpdir(), "ipfa kernels "))
for (const one of [...storedOperations(dir), ...wholeModels].filter(chosen)) {
  console.error(`${one.name} …`)
  await wholeModel(one)
}
rmSync(dir, { recursive: true })
if (isSoftware(adapter)) {
  printRows(rows)
  for (const { case: one, reason } of notRun) console.log(`${one}: NOT_RUN (${reason})`)
} else writeResult("kernels-gpu", rows, notRun, name)
// Dawn's threads would keep the process
process.exit(0)
