import { type HeldBuffer, type KernelRuntime, type Pipeline, STORED, type Step, usage } from "../../../kernels/index.ts"
import type { MemoryPlan } from "./memory.ts"
import type { Program, Range } from "./program.ts"

export interface Dispatch {
  readonly pipeline: GPUComputePipeline
  readonly group: GPUBindGroup
  readonly grid: readonly [number, number]
}

/** WebGPU's default for minUniformBufferOffsetAlignment. */
const UNIFORM_ALIGNMENT = 256
/** No kernel binds a type larger than a vec4. */
const LEAST_BINDING = 16

/** Puts a program on a device: what a run replays, and the buffers for it. */
export class Recorder {
  /** What the program needs for as long as it is there. */
  readonly held: HeldBuffer[] = []
  /** What only its weights were computed from. */
  readonly passing: HeldBuffer[] = []
  readonly #runtime: KernelRuntime
  readonly #program: Program
  readonly #pipelines: readonly Pipeline[]
  /** Of each buffer that depends on no input. */
  readonly #keys: ReadonlyMap<number, string>
  readonly #buffers = new Map<number, HeldBuffer>()

  constructor(
    runtime: KernelRuntime,
    program: Program,
    pipelines: readonly Pipeline[],
    keys: ReadonlyMap<number, string>,
  ) {
    this.#runtime = runtime
    this.#program = program
    this.#pipelines = pipelines
    this.#keys = keys
  }

  /** Submits what depends on no input and is on the device of no other program. Gives what is left to run, and where inputs and outputs lie. */
  record({ slots, slotOf }: MemoryPlan): { recorded: Dispatch[]; terminals: Map<string, GPUBuffer> } {
    const { device, memory } = this.#runtime
    const { ops, inputs, outputs } = this.#program
    const scratch = memory.scratch(slots)
    this.held.push(...scratch)
    for (const [buffer, slot] of slotOf) this.#buffers.set(buffer, scratch[slot]!)

    const dispatch = this.#dispatcher()
    const once: Dispatch[] = []
    const fill = (buffer: number) => {
      const key = this.#keys.get(buffer)
      if (key === undefined || this.#buffers.has(buffer)) return
      const { bytes, data } = this.#program.buffers[buffer]!
      const found = memory.shared(key)
      const held = found ?? memory.share(key, data ? "weights" : "tensor", bytes)
      this.#buffers.set(buffer, held)
      if (found) return
      if (data) device.queue.writeBuffer(held.buffer, 0, data.words)
      for (const [i, { reads, writes }] of ops.entries()) {
        if (writes !== buffer) continue
        for (const read of reads) if (read !== undefined) fill(read)
        once.push(dispatch(i))
      }
    }
    const replayed = [...ops.keys()].filter((i) => !this.#keys.has(ops[i]!.writes))
    const needed = new Set([
      ...replayed.flatMap((i) => ops[i]!.reads.filter((read) => read !== undefined)),
      ...outputs.map(({ value }) => value.buffer),
    ])
    for (const buffer of needed) fill(buffer)
    for (const [buffer, held] of this.#buffers)
      if (this.#keys.has(buffer)) (needed.has(buffer) ? this.held : this.passing).push(held)

    const encoder = device.createCommandEncoder({ label: "weights" })
    encode(encoder, once)
    device.queue.submit([encoder.finish()])
    const terminals = [...inputs, ...outputs].map(({ name, value }) => [name, this.#at(value.buffer).buffer] as const)
    return { recorded: replayed.map(dispatch), terminals: new Map(terminals) }
  }

  #at(buffer: number): HeldBuffer {
    return this.#buffers.get(buffer)!
  }

  /** Gives ops, by index, as dispatches. */
  #dispatcher(): (i: number) => Dispatch {
    const { device } = this.#runtime
    const { ops, buffers } = this.#program
    const params = packed(ops.map(({ step }) => step))
    const uniforms = this.#own("params", params.bytes.length, usage.UNIFORM | usage.COPY_DST)
    const absent = this.#own("absent", LEAST_BINDING, STORED)
    device.queue.writeBuffer(uniforms, 0, params.bytes)
    const bound = (buffer: number | undefined, range: Range | undefined) => ({
      buffer: buffer === undefined ? absent : this.#at(buffer).buffer,
      offset: range?.at ?? 0,
      size: Math.max(range?.bytes ?? (buffer === undefined ? 0 : buffers[buffer]!.bytes), LEAST_BINDING),
    })
    return (i) => {
      const { step, reads, writes, ranges } = ops[i]!
      const resources = [
        ...[...reads, writes].map((buffer, i) => bound(buffer, ranges[i])),
        { buffer: uniforms, offset: params.at[i]!, size: step.params.byteLength },
      ]
      const { layout, pipeline } = this.#pipelines[i]!
      const entries = resources.map((resource, binding) => ({ binding, resource }))
      return {
        pipeline,
        group: device.createBindGroup({ label: step.pipeline.label, layout, entries }),
        grid: step.grid,
      }
    }
  }

  #own(label: string, bytes: number, flags: number): GPUBuffer {
    const { held } = this.#runtime.memory.take(label, Math.max(bytes, LEAST_BINDING), flags)
    this.held.push(held)
    return held.buffer
  }
}

export function encode(encoder: GPUCommandEncoder, dispatches: readonly Dispatch[]): void {
  const pass = encoder.beginComputePass()
  for (const { pipeline, group, grid } of dispatches) {
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    pass.dispatchWorkgroups(...grid)
  }
  pass.end()
}

/** The steps' params one after the other, equal ones once, and where each step's are. */
function packed(steps: readonly Step[]): { bytes: Uint8Array<ArrayBuffer>; at: number[] } {
  const places = new Map<string, number>()
  const at = steps.map(({ params }) => {
    const key = new Uint32Array(params).join()
    const place = places.get(key) ?? places.size * UNIFORM_ALIGNMENT
    places.set(key, place)
    return place
  })
  const bytes = new Uint8Array(places.size * UNIFORM_ALIGNMENT)
  for (const [i, { params }] of steps.entries()) bytes.set(new Uint8Array(params), at[i])
  return { bytes, at }
}
