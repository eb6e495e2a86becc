import {
  elems,
  fromWords,
  type HeldBuffer,
  type KernelRuntime,
  type PipelineRequest,
  pipelineOf,
  type Shape,
  type Words,
} from "../../../kernels/index.ts"
import { AccelerateError, fail, type KeptTensor, type Tensor, type TensorInfo } from "../../../protocol/index.ts"
import type { BackendSession, RunOptions, RunOutcome } from "../../backend.ts"
import { CompiledProgram } from "./compiled.ts"
import { type Lowered, lower, refusedAlways, tryLower } from "./lower.ts"
import { Lowerable } from "./lowerable.ts"
import { toWords } from "./tensors.ts"
import { type Refusal, refused } from "./unsupported.ts"

/** Programs for other shapes of the inputs than these are made anew. */
const MOST_PROGRAMS = 4

/** Those that were needed last are told. */
const MOST_PIPELINES = 512

/** One, a few and many: an open dimension between them is mostly computed as one of them is. For a model that was never run here. */
const OPEN_SIZES = [1, 8, 32]

/** As many sizes ahead, and the one that is there: all remainders by four, which decide whether elements go by fours. */
const SIZES_AHEAD = 3

interface Kept {
  memory: HeldBuffer
  tensor: KeptTensor
}

/** A model on our kernels. One program for each set of input shapes, made when it is first needed. */
export class WgslSession implements BackendSession {
  readonly inputs: TensorInfo[]
  readonly outputs: TensorInfo[]
  readonly #runtime: KernelRuntime
  readonly #model: Lowerable
  readonly #programs = new Map<string, CompiledProgram>()
  readonly #kept = new Map<string, Kept>()
  readonly #mark = [...crypto.getRandomValues(new Uint32Array(2))].map((x) => x.toString(36)).join("")
  /** Keys of the pipelines that runs need, of earlier sessions too; undefined where the model itself says which. */
  #needed: Set<string> | undefined
  /** How many of them are known beyond this session. */
  #told = 0
  #made = 0
  /** Of the last run. */
  #shapes: Record<string, Shape> | undefined
  /** By how much each dimension had grown in the last run, as text. */
  #growth = ""
  #followsValues = false

  private constructor(runtime: KernelRuntime, model: Lowerable) {
    this.#runtime = runtime
    this.#model = model
    this.inputs = model.info.inputs
    this.outputs = model.info.outputs
  }

  /**
   * Opens a model and compiles what runs will need: where all inputs have fixed shapes that follows from the model, else an earlier run said it, and it is in
   * `pipelines`. Throws IPFA_MODEL_INVALID, IPFA_DEVICE_UNSUPPORTED with the operators and nodes that our kernels lack, IPFA_DEVICE_MEMORY, IPFA_DEVICE_LOST.
   */
  static async open(
    runtime: KernelRuntime,
    bytes: Uint8Array,
    pipelines: readonly string[] = [],
  ): Promise<WgslSession> {
    const model = new Lowerable(bytes)
    const { info } = model
    const session = new WgslSession(runtime, model)
    const fixed = info.inputs.every(({ shape }) => shape.every((dim) => typeof dim === "number"))
    // What may decide shapes is not known before the first run.
    const decided = !info.inputs.some(({ dtype, shape }) => mayDecide(dtype, shape, fixed ? elems(shape as Shape) : 0))
    if (fixed && decided)
      await session.#program(Object.fromEntries(info.inputs.map(({ name, shape }) => [name, shape as Shape])))
    else await session.#warm(pipelines)
    return session
  }

  get memoryBytes(): number {
    const held = new Set([...this.#programs.values()].flatMap(({ held }) => held))
    return Math.max(this.#model.info.weightBytes, bytesOf([...held]))
  }

  get keptBytes(): number {
    return bytesOf([...this.#kept.values()].map(({ memory }) => memory))
  }

  /** What the last program does, and takes beside its weights: for benchmarks and tests. */
  get plan(): { dispatches: number; peakBytes: number; sumBytes: number } | undefined {
    const last = [...this.#programs.values()].at(-1)
    return last && { dispatches: last.dispatches, peakBytes: last.plan.peakBytes, sumBytes: last.plan.sumBytes }
  }

  async run(feeds: Record<string, Tensor | KeptTensor>, { keep = [], outputs }: RunOptions): Promise<RunOutcome> {
    const start = performance.now()
    const words = new Map<string, Words | HeldBuffer>()
    for (const { name } of this.inputs) {
      const feed = feeds[name]!
      words.set(name, "kept" in feed ? this.#keptFeed(name, feed) : toWords(name, feed))
    }
    try {
      const program = await this.#programFor(feeds)
      this.#compileAhead(Object.fromEntries(this.inputs.map(({ name }) => [name, feeds[name]!.shape])))
      const kept = [...new Set(keep)]
      const read = (outputs ?? this.outputs.map(({ name }) => name)).filter((name) => !kept.includes(name))
      const result = await program.run(words, [...new Set(read)], kept)
      const terminal = (name: string) => program.outputs.find((output) => output.name === name)!
      const made: Record<string, Tensor | KeptTensor> = {}
      for (const [name, data] of result.read) {
        const { dtype, value } = terminal(name)
        made[name] = { dtype, shape: [...value.shape], data: fromWords(dtype, data) }
      }
      for (const [name, memory] of result.kept) {
        const { dtype, value } = terminal(name)
        made[name] = this.#keep({ dtype, shape: [...value.shape] }, memory)
      }
      return { outputs: made, runMs: performance.now() - start, ...this.#news() }
    } catch (error) {
      if (error instanceof AccelerateError && error.code === "IPFA_INTERNAL")
        throw fail("IPFA_RUN_FAILED", { message: error.message, cause: error })
      throw error
    }
  }

  release(kept: readonly string[]): void {
    for (const id of kept) {
      this.#kept.get(id)?.memory.release()
      this.#kept.delete(id)
    }
  }

  async close(): Promise<void> {
    this.release([...this.#kept.keys()])
    for (const program of this.#programs.values()) program.destroy()
    this.#programs.clear()
    this.#runtime.memory.trim()
  }

  /**
   * The program for these feeds. It follows from their shapes alone, unless the model has inputs that decide shapes (a target size): then from the elements
   * of small inputs too.
   */
  async #programFor(feeds: Record<string, Tensor | KeptTensor>): Promise<CompiledProgram> {
    const shapes = Object.fromEntries(this.inputs.map(({ name }) => [name, feeds[name]!.shape]))
    if (!this.#followsValues)
      try {
        return await this.#program(shapes)
      } catch (error) {
        if (!(error instanceof AccelerateError && error.code === "IPFA_DEVICE_UNSUPPORTED")) throw error
      }
    const program = await this.#program(shapes, smallValues(feeds))
    this.#followsValues = true
    return program
  }

  /**
   * Compiles `stored`, or, where that is nothing or the kernels have changed since, what runs with OPEN_SIZES for every open dimension would need, which is nearly all that any
   * run needs: sizes are parameters, and decide at most which algorithm computes. Throws IPFA_DEVICE_UNSUPPORTED with what can't be lowered for any of them, for reasons that
   * no sizes change; what else can't be is left to the first run.
   */
  async #warm(stored: readonly string[]): Promise<void> {
    const compile = (all: readonly PipelineRequest[]) => Promise.all(all.map((one) => this.#runtime.pipelines.get(one)))
    const requests = stored.flatMap((key) => pipelineOf(key) ?? [])
    const isCurrent =
      stored.length > 0 &&
      requests.length === stored.length &&
      (await compile(requests).then(
        () => true,
        () => false,
      ))
    this.#needed = new Set(isCurrent ? stored : [])
    this.#told = this.#needed.size
    if (isCurrent) return
    const tried = OPEN_SIZES.map((size) => this.#tried(size))
    const [first = [], ...others] = tried.map(({ refusals }) => refusals.filter((one) => !this.#mayPass(one)))
    const isSame = (a: Refusal, b: Refusal) => a.node === b.node && a.operator === b.operator && a.reason === b.reason
    const always = first.filter((one) => others.every((list) => list.some((other) => isSame(one, other))))
    if (always.length > 0) throw refused(always)
    await compile(tried.flatMap(({ program }) => program?.ops.map(({ step }) => step.pipeline) ?? []))
  }

  #tried(size: number): Lowered {
    const sized = ({ name, shape }: TensorInfo) =>
      [name, shape.map((dim) => (typeof dim === "number" ? dim : size))] as const
    return this.#lowered(Object.fromEntries(this.inputs.map(sized)))
  }

  /** For shapes that nobody asked for. */
  #lowered(shapes: Record<string, Shape>): Lowered {
    try {
      return tryLower(this.#model, shapes, this.#runtime.limits)
    } catch {
      // They don't fit each other, or are too large.
      return { refusals: refusedAlways(this.#model.info) }
    }
  }

  /** Whether the first run may show that it does not hold. */
  #mayPass({ dependsOn }: Refusal): boolean {
    if (dependsOn !== "elements") return dependsOn === "shapes"
    return this.inputs.some(({ dtype, shape }) => mayDecide(dtype, shape, 0))
  }

  /** Where dimensions begin to grow from run to run (a cache by a token), compiles in the background what the next sizes need, so that no later run waits for that. */
  #compileAhead(shapes: Record<string, Shape>): void {
    const before = this.#shapes
    this.#shapes = shapes
    const steps = before
      ? Object.entries(shapes).map(([name, shape]) => shape.map((dim, axis) => dim - before[name]![axis]!))
      : []
    const growth = JSON.stringify(steps)
    const isNew = growth !== this.#growth
    this.#growth = growth
    const all = steps.flat()
    if (!isNew || all.some((step) => step < 0) || all.every((step) => step === 0)) return
    for (let ahead = 1; ahead <= SIZES_AHEAD; ahead++) {
      const next = Object.entries(shapes).map(
        ([name, shape], i) => [name, shape.map((dim, axis) => dim + ahead * steps[i]![axis]!)] as const,
      )
      // A run that needs it says what was wrong with it.
      for (const { step } of this.#lowered(Object.fromEntries(next)).program?.ops ?? [])
        this.#runtime.pipelines.get(step.pipeline).catch(() => undefined)
    }
  }

  #news(): Pick<RunOutcome, "pipelines"> {
    if (!this.#needed || this.#needed.size === this.#told) return {}
    this.#told = this.#needed.size
    return { pipelines: [...this.#needed].slice(-MOST_PIPELINES) }
  }

  /** The program for these shapes; the one not used for longest makes room. */
  async #program(shapes: Record<string, Shape>, values: Record<string, number[]> = {}): Promise<CompiledProgram> {
    const key = JSON.stringify([Object.values(shapes), Object.entries(values)])
    const known = this.#programs.get(key)
    if (known) {
      this.#programs.delete(key)
      this.#programs.set(key, known)
      return known
    }
    const program = lower(this.#model, shapes, this.#runtime.limits, values)
    const compiled = await CompiledProgram.create(this.#runtime, program)
    for (const key of compiled.pipelines) this.#needed?.add(key)
    const [oldest] = this.#programs
    if (oldest && this.#programs.size >= MOST_PROGRAMS) {
      oldest[1].destroy()
      this.#programs.delete(oldest[0])
    }
    this.#programs.set(key, compiled)
    return compiled
  }

  #keptFeed(name: string, { kept, dtype, shape }: KeptTensor): HeldBuffer {
    const found = this.#kept.get(kept)
    if (!found) throw fail("IPFA_SESSION_KEPT", { data: { kept } })
    const { tensor, memory } = found
    if (tensor.dtype !== dtype || tensor.shape.join() !== shape.join())
      throw fail("IPFA_INPUT_SHAPE", {
        data: { path: `feeds.${name}.kept`, expected: `${tensor.dtype} [${tensor.shape.join(", ")}]` },
      })
    return memory
  }

  #keep({ dtype, shape }: Pick<KeptTensor, "dtype" | "shape">, memory: HeldBuffer): KeptTensor {
    const tensor = { dtype, shape, kept: `${this.#mark}-${++this.#made}` }
    this.#kept.set(tensor.kept, { memory, tensor })
    return tensor
  }
}

const bytesOf = (list: readonly HeldBuffer[]) => list.reduce((sum, { bytes }) => sum + bytes, 0)

/** Of whole numbers; and of fractions, which are a list: a Resize's region of interest has two for each of eight axes. */
const MOST_VALUES = 256
const MOST_SCALES = 16

/** Whether the elements of such an input may decide shapes: whole numbers, and a few fractions, such as scales. */
function mayDecide(dtype: string, shape: readonly unknown[], elems: number): boolean {
  if (/^u?int/.test(dtype)) return elems <= MOST_VALUES
  return dtype === "float32" && shape.length <= 1 && elems <= MOST_SCALES
}

function smallValues(feeds: Record<string, Tensor | KeptTensor>): Record<string, number[]> {
  const values: Record<string, number[]> = {}
  for (const [name, feed] of Object.entries(feeds))
    if ("data" in feed && mayDecide(feed.dtype, feed.shape, feed.data.length))
      values[name] = Array.from(feed.data as ArrayLike<number | bigint>, Number)
  return values
}
