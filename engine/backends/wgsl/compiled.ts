import {
  gpuFailure,
  type HeldBuffer,
  type KernelRuntime,
  pipelineKey,
  STORED,
  scoped,
  usage,
  type Words,
} from "../../../kernels/index.ts"
import { arrayTypes } from "../../../protocol/index.ts"
import { contentKeys } from "./content.ts"
import { type MemoryPlan, planMemory } from "./memory.ts"
import { lifetimes, type Program, staticBuffers, type Terminal } from "./program.ts"
import { type Dispatch, encode, Recorder } from "./recorder.ts"

const MAP_READ = 1

/** A program on a device: its pipelines compiled, its weights uploaded, its dispatches recorded. Runs are the caller's to keep apart. */
export class CompiledProgram {
  readonly outputs: readonly Terminal[]
  /** Keys of those that it runs. */
  readonly pipelines: ReadonlySet<string>
  readonly plan: MemoryPlan
  /** What it has on the device. Weights and scratch are shared with other programs. */
  readonly held: readonly HeldBuffer[]
  readonly #inputs: readonly Terminal[]
  readonly #runtime: KernelRuntime
  readonly #recorded: readonly Dispatch[]
  /** Of inputs and outputs, by name. */
  readonly #buffers: ReadonlyMap<string, GPUBuffer>

  private constructor(
    runtime: KernelRuntime,
    { inputs, outputs }: Program,
    pipelines: ReadonlySet<string>,
    plan: MemoryPlan,
    held: readonly HeldBuffer[],
    { recorded, terminals }: ReturnType<Recorder["record"]>,
  ) {
    this.#runtime = runtime
    this.#inputs = inputs
    this.outputs = outputs
    this.pipelines = pipelines
    this.plan = plan
    this.held = held
    this.#recorded = recorded
    this.#buffers = terminals
  }

  /** Dispatches of one run. */
  get dispatches(): number {
    return this.#recorded.length
  }

  /** Compiles all pipelines at once and runs what depends on no input. Throws IPFA_DEVICE_MEMORY, IPFA_DEVICE_LOST, IPFA_INTERNAL. */
  static async create(runtime: KernelRuntime, program: Program): Promise<CompiledProgram> {
    const fixed = staticBuffers(program)
    const keys = await contentKeys(program, fixed)
    const names = program.ops.map(({ step }) => pipelineKey(step.pipeline))
    // Few are needed by many.
    const needed = new Map(program.ops.map(({ step }, i) => [names[i]!, step.pipeline]))
    const compiled = await Promise.all([...needed.values()].map((request) => runtime.pipelines.get(request)))
    const pipelines = new Map([...needed.keys()].map((name, i) => [name, compiled[i]!]))
    const plan = planMemory(lifetimes(program, fixed))
    const recorder = new Recorder(
      runtime,
      program,
      names.map((name) => pipelines.get(name)!),
      keys,
    )
    const { held, passing } = recorder
    try {
      const { value, settled } = scoped(runtime.device, "program", () => recorder.record(plan))
      // What went wrong first: a buffer that could not be made can't be bound either.
      for (const one of [...held, ...passing]) await one.settled
      await settled
      return new CompiledProgram(runtime, program, new Set(names), plan, held, value)
    } catch (error) {
      for (const one of held) one.release()
      throw error
    } finally {
      for (const one of passing) one.release()
    }
  }

  /**
   * Runs once. `feeds` has words, or a buffer that holds them, for each input. Resolves with the words of the outputs in `read`, and buffers of their own
   * for those in `keep`. Throws what failed on the device: IPFA_DEVICE_MEMORY, IPFA_DEVICE_LOST, IPFA_INTERNAL.
   */
  async run(
    feeds: ReadonlyMap<string, Words | HeldBuffer>,
    read: readonly string[],
    keep: readonly string[],
  ): Promise<{ read: Map<string, Words>; kept: Map<string, HeldBuffer> }> {
    const { device, memory } = this.#runtime
    const terminal = (name: string) => this.outputs.find((output) => output.name === name)!
    const reading = read.map(terminal)
    const places = offsets(reading)
    const staging = memory.take("outputs", places.end, usage.MAP_READ | usage.COPY_DST).held
    const kept = new Map(
      keep.map((name) => [name, memory.take(`kept ${name}`, wordBytes(terminal(name).value.shape), STORED).held]),
    )
    const { settled } = scoped(device, "run", () => {
      const encoder = device.createCommandEncoder({ label: "run" })
      for (const { name, value } of this.#inputs) {
        const feed = feeds.get(name)!
        const buffer = this.#buffers.get(name)!
        if (ArrayBuffer.isView(feed)) device.queue.writeBuffer(buffer, 0, feed)
        else encoder.copyBufferToBuffer(feed.buffer, 0, buffer, 0, wordBytes(value.shape))
      }
      encode(encoder, this.#recorded)
      const copyOut = (output: Terminal, to: HeldBuffer, at: number) => {
        const bytes = wordBytes(output.value.shape)
        if (bytes > 0) encoder.copyBufferToBuffer(this.#buffers.get(output.name)!, output.at, to.buffer, at, bytes)
      }
      for (const [i, output] of reading.entries()) copyOut(output, staging, places.at[i]!)
      for (const [name, own] of kept) copyOut(terminal(name), own, 0)
      device.queue.submit([encoder.finish()])
    })
    try {
      const mapped = staging.buffer.mapAsync(MAP_READ, 0, staging.bytes)
      mapped.catch(() => undefined)
      // What went wrong first: a buffer that could not be made can't be mapped either.
      for (const { settled: made } of [staging, ...kept.values()]) await made
      await settled
      await mapped
      const bytes = staging.buffer.getMappedRange(0, staging.bytes)
      const words = reading.map((output, i) => [output.name, wordsAt(bytes, places.at[i]!, output)] as const)
      return { read: new Map(words), kept }
    } catch (error) {
      for (const own of kept.values()) own.release()
      throw gpuFailure(device, "run", error)
    } finally {
      staging.buffer.unmap()
      staging.release()
    }
  }

  destroy(): void {
    for (const one of this.held) one.release()
  }
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

function wordsAt(bytes: ArrayBuffer, at: number, { value: { dtype, shape } }: Terminal): Words {
  return new arrayTypes[dtype](bytes.slice(at, at + wordBytes(shape)))
}
