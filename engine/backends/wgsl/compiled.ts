import { gpuFailure, type PipelineCache, type Step, scoped, usage } from "../../../kernels/index.ts"
import { arrayTypes } from "../../../protocol/index.ts"
import { type MemoryPlan, planMemory } from "./memory.ts"
import { type Op, type Program, staticBuffers, type Terminal, type Words } from "./program.ts"

interface Dispatch {
  pipeline: GPUComputePipeline
  group: GPUBindGroup
  grid: readonly [number, number]
}

const storage = usage.STORAGE | usage.COPY_SRC | usage.COPY_DST
/** WebGPU's default for minUniformBufferOffsetAlignment. */
const UNIFORM_ALIGNMENT = 256
const MAP_READ = 1

/** A program on a device: its pipelines compiled, its weights uploaded, its dispatches recorded. Runs are the caller's to keep apart. */
export class CompiledProgram {
  readonly memory: MemoryPlan
  /** Dispatches of one run. */
  readonly dispatches: number
  readonly #device: GPUDevice
  readonly #program: Program
  readonly #buffers: readonly GPUBuffer[]
  readonly #owned: readonly GPUBuffer[]
  readonly #recorded: readonly Dispatch[]

  private constructor(
    device: GPUDevice,
    program: Program,
    memory: MemoryPlan,
    buffers: readonly GPUBuffer[],
    owned: readonly GPUBuffer[],
    recorded: readonly Dispatch[],
  ) {
    this.#device = device
    this.#program = program
    this.memory = memory
    this.#buffers = buffers
    this.#owned = owned
    this.#recorded = recorded
    this.dispatches = recorded.length
  }

  get outputs(): readonly Terminal[] {
    return this.#program.outputs
  }

  /** Bytes on the device. */
  get bytes(): number {
    return this.#owned.reduce((sum, { size }) => sum + size, 0)
  }

  /** Compiles all pipelines at once and runs what depends on no input. Throws IPFA_DEVICE_MEMORY, IPFA_DEVICE_LOST, IPFA_INTERNAL. */
  static async create(device: GPUDevice, pipelines: PipelineCache, program: Program): Promise<CompiledProgram> {
    const compiled = await Promise.all(program.ops.map(({ step }) => pipelines.get(step.pipeline)))
    const fixed = staticBuffers(program)
    const memory = planMemory(lifetimes(program, fixed))
    const owned: GPUBuffer[] = []
    const make = (label: string, bytes: number, flags: number) => {
      const buffer = device.createBuffer({ label, size: Math.max(bytes, 16), usage: flags })
      owned.push(buffer)
      return buffer
    }
    const { value, settled } = scoped(device, "program", () => {
      const slots = memory.slots.map((bytes) => make("slot", bytes, storage))
      const absent = make("absent", 4, usage.STORAGE)
      const used = usedBuffers(program)
      const buffers = program.buffers.map(({ bytes, data }, i) => {
        if (!used.has(i)) return absent
        const slot = memory.slotOf.get(i)
        if (slot !== undefined) return slots[slot]!
        const buffer = make(data ? "weights" : "tensor", bytes, storage)
        if (data) device.queue.writeBuffer(buffer, 0, data)
        return buffer
      })
      const params = packed(program.ops.map(({ step }) => step))
      const uniforms = make("params", params.bytes.length, usage.UNIFORM | usage.COPY_DST)
      device.queue.writeBuffer(uniforms, 0, params.bytes)
      const dispatches = program.ops.map(({ step, reads, writes }, i): Dispatch => {
        const bound = [...reads.map((read) => (read === undefined ? absent : buffers[read]!)), buffers[writes]!]
        const entries = [
          ...bound.map((buffer, binding) => ({ binding, resource: { buffer } })),
          {
            binding: bound.length,
            resource: { buffer: uniforms, offset: params.at[i]!, size: step.params.byteLength },
          },
        ]
        const { layout, pipeline } = compiled[i]!
        return {
          pipeline,
          group: device.createBindGroup({ label: step.pipeline.label, layout, entries }),
          grid: step.grid,
        }
      })
      const isFixed = ({ writes }: Op) => fixed.has(writes)
      const encoder = device.createCommandEncoder({ label: "weights" })
      encode(
        encoder,
        dispatches.filter((_, i) => isFixed(program.ops[i]!)),
      )
      device.queue.submit([encoder.finish()])
      return { buffers, recorded: dispatches.filter((_, i) => !isFixed(program.ops[i]!)) }
    })
    try {
      await settled
    } catch (error) {
      for (const buffer of owned) buffer.destroy()
      throw error
    }
    return new CompiledProgram(device, program, memory, value.buffers, owned, value.recorded)
  }

  /**
   * Runs once. `feeds` has words, or a buffer that holds them, for each input. Resolves with the words of the outputs in `read`, and buffers of their own
   * for those in `keep`. Throws what failed on the device: IPFA_DEVICE_MEMORY, IPFA_DEVICE_LOST, IPFA_INTERNAL.
   */
  async run(
    feeds: ReadonlyMap<string, Words | GPUBuffer>,
    read: readonly string[],
    keep: readonly string[],
  ): Promise<{ read: Map<string, Words>; kept: Map<string, GPUBuffer> }> {
    const device = this.#device
    const terminal = (name: string) => this.#program.outputs.find((output) => output.name === name)!
    const reading = read.map(terminal)
    const places = offsets(reading)
    const { value, settled } = scoped(device, "run", () => {
      const encoder = device.createCommandEncoder({ label: "run" })
      for (const { name, value } of this.#program.inputs) {
        const feed = feeds.get(name)!
        const buffer = this.#buffers[value.buffer]!
        if (ArrayBuffer.isView(feed)) device.queue.writeBuffer(buffer, 0, feed)
        else encoder.copyBufferToBuffer(feed, 0, buffer, 0, wordBytes(value.shape))
      }
      encode(encoder, this.#recorded)
      const staging = device.createBuffer({
        label: "outputs",
        size: Math.max(places.end, 16),
        usage: usage.MAP_READ | usage.COPY_DST,
      })
      for (const [i, output] of reading.entries())
        copyOut(encoder, this.#buffers[output.value.buffer]!, staging, places.at[i]!, output)
      const kept = new Map(
        keep.map((name) => {
          const output = terminal(name)
          const size = Math.max(wordBytes(output.value.shape), 16)
          const own = device.createBuffer({ label: `kept ${name}`, size, usage: storage })
          copyOut(encoder, this.#buffers[output.value.buffer]!, own, 0, output)
          return [name, own] as const
        }),
      )
      device.queue.submit([encoder.finish()])
      return { staging, kept }
    })
    try {
      const mapped = value.staging.mapAsync(MAP_READ)
      mapped.catch(() => undefined)
      // What went wrong first: a buffer that could not be made can't be mapped either.
      await settled
      await mapped
      const bytes = value.staging.getMappedRange()
      const words = reading.map((output, i) => [output.name, wordsAt(bytes, places.at[i]!, output)] as const)
      return { read: new Map(words), kept: value.kept }
    } catch (error) {
      for (const buffer of value.kept.values()) buffer.destroy()
      throw gpuFailure(device, "run", error)
    } finally {
      value.staging.destroy()
    }
  }

  destroy(): void {
    for (const buffer of this.#owned) buffer.destroy()
  }
}

function encode(encoder: GPUCommandEncoder, dispatches: readonly Dispatch[]): void {
  const pass = encoder.beginComputePass()
  for (const { pipeline, group, grid } of dispatches) {
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    pass.dispatchWorkgroups(...grid)
  }
  pass.end()
}

/** From the op that first writes a buffer to the one that last reads it; outputs live on. Inputs and what is fixed have memory of their own. */
function lifetimes({ buffers, ops, inputs, outputs }: Program, fixed: ReadonlySet<number>) {
  const own = new Set([...fixed, ...inputs.map(({ value }) => value.buffer)])
  const ends = new Map<number, { first: number; last: number }>()
  for (const [at, { reads, writes }] of ops.entries())
    for (const buffer of [...reads, writes]) {
      if (buffer === undefined || own.has(buffer)) continue
      ends.set(buffer, { first: ends.get(buffer)?.first ?? at, last: at })
    }
  for (const { value } of outputs) {
    const end = ends.get(value.buffer)
    if (end) end.last = ops.length
  }
  return [...ends].map(([buffer, { first, last }]) => ({ buffer, bytes: buffers[buffer]!.bytes, first, last }))
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

/** What is read, written or handed out: weights that were folded into others are not. */
function usedBuffers({ ops, inputs, outputs }: Program): ReadonlySet<number | undefined> {
  return new Set([
    ...ops.flatMap(({ reads, writes }) => [...reads, writes]),
    ...[...inputs, ...outputs].map(({ value }) => value.buffer),
  ])
}

const wordBytes = (shape: readonly number[]) => 4 * shape.reduce((n, dim) => n * dim, 1)

function offsets(outputs: readonly Terminal[]): { at: number[]; end: number } {
  let end = 0
  const at = outputs.map(({ value }) => {
    const start = end
    end += wordBytes(value.shape)
    return start
  })
  return { at, end }
}

function copyOut(encoder: GPUCommandEncoder, from: GPUBuffer, to: GPUBuffer, at: number, { value }: Terminal): void {
  const bytes = wordBytes(value.shape)
  if (bytes > 0) encoder.copyBufferToBuffer(from, 0, to, at, bytes)
}

function wordsAt(bytes: ArrayBuffer, at: number, { value: { dtype, shape } }: Terminal): Words {
  return new arrayTypes[dtype](bytes.slice(at, at + wordBytes(shape)))
}
