/** Our kernels in Node, through Dawn: single operations against what the adapter can do at most, and those and whole models against onnxruntime-node's WebGPU provider. */
import { readFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { isAllOnDevice } from "../../engine/backends/ort-open.ts"
import { fromOrt, toOrt } from "../../engine/backends/ort-tensor.ts"
import { adapterName, requestFullDevice } from "../../engine/backends/webgpu-adapter.ts"
import { findConvFault } from "../../engine/backends/webgpu-conv-fault.ts"
import { WgslSession } from "../../engine/backends/wgsl/session.ts"
import { adapterKey, createKernels, KernelRuntime, parseWinners, traitsOf } from "../../kernels/index.ts"
import type { Tensor } from "../../protocol/index.ts"
import { compare, type NotRun, type Row } from "../harness.ts"
import { difference } from "./difference.ts"
import { feedsFor, wave } from "./feeds.ts"
import { wholeModels } from "./models.ts"
import type { OperationCase } from "./operation.ts"
import { copyPeak, fmaPeak, isBoundByCompute, lasting } from "./peaks.ts"

const OURS = "our kernels, Dawn"
const THEIRS = "onnxruntime-node, WebGPU"

interface Model {
  name: string
  model: Uint8Array
  dims: Record<string, number>
  tolerance: number
}

/** Rows of `operations`, and of the whole models, on `adapter`; the command line says how long each takes and which. */
export async function inNode(
  adapter: GPUAdapter,
  operations: readonly OperationCase[],
): Promise<{ rows: Row[]; notRun: NotRun[]; adapter: string }> {
  const { values } = parseArgs({
    options: { budget: { type: "string", default: "5000" }, only: { type: "string" }, winners: { type: "string" } },
  })
  const budgetMs = Number(values.budget)
  const chosen = ({ name }: { name: string }) => !values.only || name.includes(values.only)
  const device = await requestFullDevice(adapter)
  const stored = values.winners && parseWinners(readFileSync(values.winners, "utf8"))[adapterKey(adapter.info)]
  const winners = stored ? new Map(Object.entries(stored)) : undefined
  const rows: Row[] = []
  const notRun: NotRun[] = []

  async function ofPeak(one: OperationCase): Promise<void> {
    const gpu = createKernels(device, { winners })
    const inputs = Object.values(one.inputs).map((shape) => gpu.tensor(wave(shape)))
    const run = one.open(gpu, inputs)
    const computes = isBoundByCompute(one)
    const peak = await (computes ? fmaPeak : copyPeak)(device)
    const rate = (work: number, run: () => Promise<unknown>) => async () => {
      const start = performance.now()
      await run()
      return work / (performance.now() - start) / 1e6
    }
    const subject = async (much: number) => {
      for (let i = 0; i < much; i++) (await run()).destroy()
      await device.queue.onSubmittedWorkDone()
    }
    const much = await lasting(subject)
    const work = much * (computes ? one.flops : one.bytes)
    rows.push(
      await compare({
        case: `${one.name}, of the ${computes ? "FMA peak" : "copy bandwidth"}`,
        subject: { name: OURS, run: rate(work, () => subject(much)) },
        baseline: { name: "the adapter's peak", run: rate(peak.work, peak.run) },
        unit: computes ? "GFLOP/s" : "GB/s",
        budgetMs,
        warmup: 1,
      }),
    )
    for (const tensor of inputs) tensor.destroy()
  }

  /** From values to values; of a `single` operation only where the provider has it on its device. */
  async function against({ name, model, dims, tolerance }: Model, single = false): Promise<void> {
    const ort = await import("onnxruntime-node")
    const { model: named, cpuNodes } = findConvFault(model)
    const provider = {
      name: "webgpu" as const,
      // Its device has the bounds checks then that ours has, and every browser's.
      enableRobustness: true,
      ...(cpuNodes.length > 0 && { forceCpuNodeNames: cpuNodes }),
    }
    const options = { executionProviders: [provider], logSeverityLevel: 4 as const }
    const isWhole = await isAllOnDevice(ort.InferenceSession, named, options)
    const isLeft = (reason: string) => void notRun.push({ case: `${name}, ${THEIRS}`, reason })
    if (single && !isWhole) return isLeft("it is computed on the CPU")
    const session = await WgslSession.open(new KernelRuntime(device, traitsOf(device, winners)), model)
    const feeds = feedsFor(session.inputs, dims)
    const ours = (await session.run(feeds, {})).outputs as Record<string, Tensor>
    try {
      const theirs = await ort.InferenceSession.create(named, options)
      const tensors = Object.fromEntries(Object.entries(feeds).map(([key, feed]) => [key, toOrt(ort.Tensor, feed)]))
      const outputs = Object.entries(await theirs.run(tensors)).map(([key, t]) => [key, fromOrt(t, t.data)] as const)
      const apart = difference(ours, Object.fromEntries(outputs))
      if (!(apart <= tolerance)) throw new Error(`its answers differ from ours by ${apart}`)
      const row = await compare({
        case: name,
        subject: { name: OURS, run: async () => void (await session.run(feeds, {})) },
        baseline: { name: THEIRS, run: async () => void (await theirs.run(tensors)) },
        unit: "ms",
        budgetMs,
        warmup: 1,
      })
      rows.push(
        isWhole
          ? row
          : { ...row, note: [row.note, "some of theirs is computed on the CPU"].filter(Boolean).join("; ") },
      )
      await theirs.release()
    } catch (error) {
      isLeft(String(error instanceof Error ? error.message : error).split("\n")[0]!)
    }
    await session.close()
  }

  for (const one of operations.filter(chosen)) {
    console.error(`${one.name} …`)
    if (one.ofPeak) await ofPeak(one)
    await against({ name: one.name, model: one.model(), dims: {}, tolerance: 1e-4 }, true)
  }
  for (const { name, file, missing, ...rest } of wholeModels.filter(chosen)) {
    console.error(`${name} …`)
    if (missing) notRun.push({ case: name, reason: missing })
    else await against({ name, model: new Uint8Array(readFileSync(file)), ...rest })
  }
  return { rows, notRun, adapter: adapterName(adapter.info) }
}
