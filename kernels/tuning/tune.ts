import { arrayTypes } from "../../protocol/dtype.ts"
import type { Choice, Plan, TensorType } from "../define-kernel.ts"
import { STORED } from "../device-memory.ts"
import { filled } from "../fill.ts"
import { elems, GpuTensor, tensorBytes } from "../gpu-tensor.ts"
import type { Work } from "../prepare.ts"
import { readAll } from "../read-all.ts"
import type { KernelRuntime } from "../runtime.ts"
import { variantsOf } from "./variants.ts"
import { type Winner, winnerKey } from "./winners.ts"

/** One way to do it, and what it took. */
export interface Measured extends Choice {
  /** Median of one dispatch; undefined where it failed or gave another answer than the plan's choice. */
  readonly ms?: number
  readonly reason?: string
}
export interface Tuned {
  readonly key: string
  readonly winner: Winner
  /** The plan's own choice first. */
  readonly variants: readonly Measured[]
}

export interface TuneOptions {
  /** Time for all the variants of one work. What is under way when it is over is finished, and the best few are measured twice more. */
  budgetMs?: number
  /** Asked before every sample: false ends it, and there is no winner. */
  mayGoOn?: () => boolean
}

/** A sample is so many dispatches that the clock and the way to the device are a small part of it. */
const SAMPLE_MS = 5
const MOST_DISPATCHES = 50
/** Rounds in which every variant that is still in is measured once. */
const ROUNDS = { least: 3, most: 9 }
/** A variant that takes so many times as long as the fastest is out: after its first sample, and after a round. */
const OUT_AT_FIRST = 3
const OUT = 1.5
/** A winner takes at most so much of what the plan's own choice takes: less is chance. */
const BETTER = 0.95
/** Two orders of adding up a few thousand products differ by less, in parts of the largest result. */
const SAME = 1e-3

/**
 * Measures the variants of `work` on inputs of random numbers (whole numbers are 0, unless the kernel says what they are), interleaved. Undefined where there is nothing to choose from, or it was
 * ended. Throws IPFA_DEVICE_MEMORY, IPFA_DEVICE_LOST.
 */
export async function tune(runtime: KernelRuntime, work: Work, options: TuneOptions = {}): Promise<Tuned | undefined> {
  const { budgetMs = 1000, mayGoOn = () => true } = options
  const { kernel, inputs: types, attributes } = work
  const problem = kernel.problem(types, { ...kernel.defaults, ...attributes })
  const variants = variantsOf(kernel, problem, runtime.limits)
  const type = kernel.output(problem)
  if (variants.length < 2 || elems(type.shape) === 0) return undefined

  const inputs: (GpuTensor | undefined)[] = []
  const outputs: GpuTensor[] = []
  try {
    for (const [i, input] of types.entries()) {
      const given = kernel.tunedOn?.[kernel.inputs[i]!.name]?.(problem, types)
      inputs.push(input && filledWith(runtime, input, given ?? random(input, `${kernel.name} ${i}`)))
    }
    for (let i = 0; i < 2; i++) outputs.push(empty(runtime, type))
    const [own, into] = outputs as [GpuTensor, GpuTensor]
    const run = (plan: Plan, result = into) => runtime.run(kernel, inputs, attributes, { ...plan, into: result })

    const arms: Arm[] = []
    const failed = new Map<Plan, string>()
    const start = performance.now()
    const isOver = () => performance.now() - start > budgetMs
    for (const [i, plan] of variants.entries()) {
      if (!mayGoOn()) return undefined
      if (isOver() && arms.length > 1) {
        failed.set(plan, "the time was over")
        continue
      }
      try {
        clear(runtime.device, i === 0 ? own : into)
        await run(plan, i === 0 ? own : into)
        const apart = i === 0 ? 0 : await difference(own, into)
        if (apart <= SAME) arms.push(await armOf(runtime.device, plan, () => run(plan)))
        else failed.set(plan, `its answer differs by ${apart} of the largest`)
      } catch (error) {
        if (i === 0) throw error
        failed.set(plan, String(error instanceof Error ? error.message : error))
      }
    }
    if (!(await race(arms, isOver, mayGoOn))) return undefined
    const measured = variants.map((plan): Measured => {
      const arm = arms.find((one) => one.plan === plan)
      return arm ? { ...plan, ms: median(arm.samples) } : { ...plan, reason: failed.get(plan)! }
    })
    return { key: winnerKey(kernel, types, attributes, type), winner: winnerOf(measured), variants: measured }
  } finally {
    for (const tensor of [...inputs, ...outputs]) tensor?.destroy()
  }
}

interface Arm {
  readonly plan: Plan
  readonly samples: number[]
  sample(): Promise<number>
}

/** With its first sample, by which it is known how many dispatches one is made of. */
async function armOf(device: GPUDevice, plan: Plan, run: () => Promise<unknown>): Promise<Arm> {
  const timed = async (count: number) => {
    const start = performance.now()
    for (let i = 0; i < count; i++) await run()
    await device.queue.onSubmittedWorkDone()
    return (performance.now() - start) / count
  }
  await device.queue.onSubmittedWorkDone()
  const first = await timed(1)
  const count = Math.min(Math.ceil(SAMPLE_MS / first), MOST_DISPATCHES)
  return { plan, samples: [first], sample: () => timed(count) }
}

/** Samples the arms round by round, those that are not far behind; false where it was ended. */
async function race(arms: readonly Arm[], isOver: () => boolean, mayGoOn: () => boolean): Promise<boolean> {
  let running = near(arms, OUT_AT_FIRST)
  for (let round = 0; round < ROUNDS.most; round++) {
    if (round >= ROUNDS.least && isOver()) break
    // back and forth, so that none has the warmer or quieter half
    for (const arm of round % 2 === 0 ? running : running.toReversed()) {
      if (!mayGoOn()) return false
      arm.samples.push(await arm.sample())
    }
    running = near(running, OUT)
  }
  return true
}

function near(arms: readonly Arm[], times: number): readonly Arm[] {
  const best = Math.min(...arms.map(({ samples }) => median(samples)))
  return arms.filter(({ samples }) => median(samples) <= times * best)
}

function winnerOf(measured: readonly Measured[]): Winner {
  const own = measured[0]!
  const planMs = own.ms!
  const best = measured.reduce((a, b) => ((b.ms ?? Number.POSITIVE_INFINITY) < a.ms! ? b : a), own)
  const { algorithm, tuning, ms } = best.ms! <= BETTER * planMs ? best : own
  return { algorithm, ...(tuning && { tuning }), ms: ms!, planMs }
}

/** Elements for a tensor; of whole numbers they are 0. */
function random({ dtype, shape }: TensorType, seed: string): ArrayLike<number> {
  return filled(dtype, Math.min(elems(shape), 2 ** 16), { kind: "uniform", low: -1, high: 1 }, seed)
}

/** A tensor of `some`, over and over. */
function filledWith(runtime: KernelRuntime, { dtype, shape }: TensorType, some: ArrayLike<number>): GpuTensor {
  const data = new arrayTypes[dtype](elems(shape))
  const count = Math.min(some.length, data.length)
  for (let i = 0; i < count; i++) data[i] = some[i]!
  for (let at = count; at < data.length; at += count) data.copyWithin(at, 0, count)
  return runtime.upload(dtype, shape, data)
}

function empty(runtime: KernelRuntime, { dtype, shape }: TensorType): GpuTensor {
  const { held } = runtime.memory.take("tune", tensorBytes(runtime.limits, dtype, shape), STORED)
  return new GpuTensor(runtime.device, dtype, shape, held, held.settled)
}

/** So that no variant passes for what another wrote. */
function clear(device: GPUDevice, { buffer }: GpuTensor): void {
  const encoder = device.createCommandEncoder({ label: "tune" })
  encoder.clearBuffer(buffer)
  device.queue.submit([encoder.finish()])
}

/** The largest difference, in parts of the largest value. */
async function difference(a: GpuTensor, b: GpuTensor): Promise<number> {
  const [own, other] = (await readAll([a, b])) as readonly [ArrayLike<number>, ArrayLike<number>]
  let [apart, most] = [0, 0]
  for (let i = 0; i < own.length; i++) {
    const difference = Math.abs(own[i]! - other[i]!)
    if (Number.isNaN(difference)) return Number.NaN
    apart = Math.max(apart, difference)
    most = Math.max(most, Math.abs(own[i]!))
  }
  return apart === 0 ? 0 : apart / most
}

function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
