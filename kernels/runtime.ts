import { dtypeBytes, type TensorData } from "../protocol/dtype.ts"
import { fail } from "../protocol/errors/error.ts"
import type { Input, Kernel, Limits, Shape, StoredDtype, TensorType } from "./define-kernel.ts"
import { DeviceMemory, LEAST_BYTES, STORED, usage } from "./device-memory.ts"
import { assertNotLost, inOrder, scoped, watchLoss } from "./gpu-errors.ts"
import { elems, GpuTensor, tensorBytes } from "./gpu-tensor.ts"
import { hastenReadback } from "./hasten.ts"
import type { HeldBuffer } from "./held-buffer.ts"
import { type CopyAttributes, copy } from "./ops/copy/copy.ts"
import { type Pipeline, PipelineCache } from "./pipelines.ts"
import type { PlanOptions } from "./plan.ts"
import { prepare, type Step } from "./prepare.ts"
import { isInOrder, wholeView } from "./view.ts"
import { checkArray } from "./words.ts"

export interface RunOptions<N extends string = string> extends PlanOptions<N> {
  /** Where the result goes, instead of into a new tensor; none of the inputs. Its shape and dtype are the result's. */
  into?: GpuTensor
}

/** An odd number of float16 is filled up: WebGPU writes whole words. */
function inWords(data: TensorData<StoredDtype>): TensorData<StoredDtype> {
  if (data.byteLength % 4 === 0) return data
  const whole = new Uint16Array(data.length + 1)
  whole.set(data)
  return whole
}

/** Runs declared kernels on one device. */
export class KernelRuntime {
  readonly device: GPUDevice
  readonly limits: Limits
  readonly pipelines: PipelineCache
  readonly memory: DeviceMemory
  #nothing: GPUBuffer | undefined

  /** `limits` may be tighter than the device's own, never wider. `budgetBytes` is for its `memory`. Throws IPFA_INPUT_INVALID for one that is none. */
  constructor(device: GPUDevice, limits: Limits = device.limits, budgetBytes?: number) {
    this.device = device
    this.limits = limits
    this.pipelines = new PipelineCache(device)
    this.memory = new DeviceMemory(device, budgetBytes)
    watchLoss(device)
    hastenReadback(device, limits)
  }

  /** Uploads row-major `data` of `shape`. Throws IPFA_INPUT_INVALID where it is another array than `dtype` is carried by, IPFA_INPUT_SHAPE, IPFA_DEVICE_MEMORY, IPFA_DEVICE_LOST. */
  upload<D extends StoredDtype>(dtype: D, shape: Shape, data: TensorData<D>): GpuTensor<D> {
    checkArray(dtype, data)
    if (data.length !== elems(shape))
      throw fail("IPFA_INPUT_SHAPE", { message: `[${shape}] takes ${elems(shape)} elements, not ${data.length}.` })
    assertNotLost(this.device)
    const label = `upload [${shape}]`
    const { held } = this.memory.take(label, tensorBytes(this.limits, dtype, shape), STORED)
    const { settled } = scoped(this.device, label, () => this.device.queue.writeBuffer(held.buffer, 0, inWords(data)))
    return new GpuTensor(this.device, dtype, shape, held, inOrder(held.settled, settled))
  }

  /**
   * Computes `kernel` on `inputs`; undefined is an optional one that is left out. Resolves once the work is submitted, before it is done: what fails on the device is thrown by the
   * result's read(). Throws IPFA_INPUT_SHAPE, IPFA_INPUT_INVALID, IPFA_DEVICE_UNSUPPORTED, IPFA_DEVICE_MEMORY, IPFA_DEVICE_LOST.
   */
  async run<P, A, N extends string>(
    kernel: Kernel<P, A, N>,
    inputs: readonly (GpuTensor | undefined)[],
    attributes: Partial<A> = {},
    options: RunOptions<N> = {},
  ): Promise<GpuTensor> {
    const copies: GpuTensor[] = []
    try {
      const read = [...inputs]
      for (const [i, input] of inputs.entries()) {
        if (!input || this.#readsInPlace(kernel.inputs[i], input)) continue
        const inOrder = await this.copied(input)
        copies.push(inOrder)
        read[i] = inOrder
      }
      return await this.#submit(kernel, read, attributes, options)
    } finally {
      for (const copy of copies) copy.destroy()
    }
  }

  /** The elements of a tensor, which may be a view, in order in memory of their own. Throws as `run`. */
  async copied(
    tensor: GpuTensor,
    attributes: Partial<CopyAttributes> = {},
    options?: RunOptions<"strided">,
  ): Promise<GpuTensor> {
    const { memory, dtype } = tensor
    const all = tensor.view(wholeView([memory.bytes / dtypeBytes(dtype)]))
    try {
      return await this.#submit(copy, [all], { ...attributes, from: tensor }, options)
    } finally {
      all.destroy()
    }
  }

  /** Also what is refused anyway. */
  #readsInPlace(spec: Input | undefined, input: GpuTensor): boolean {
    const { dtype, offset, memory, destroyed } = input
    if (input.isWhole || destroyed || input.device !== this.device || !spec) return true
    const start = dtypeBytes(dtype, offset)
    const isBound =
      start % this.device.limits.minStorageBufferOffsetAlignment === 0 && memory.bytes - start >= LEAST_BYTES
    const isStrided = () => spec.strided?.(input) === true && input.strides.every((stride) => stride >= 0)
    return isBound && (isInOrder(input) || isStrided())
  }

  async #submit<P, A, N extends string>(
    kernel: Kernel<P, A, N>,
    inputs: readonly (GpuTensor | undefined)[],
    attributes: Partial<A>,
    options: RunOptions<N> = {},
  ): Promise<GpuTensor> {
    const live = () => {
      this.#checkInputs(kernel, inputs)
      this.#checkInto(kernel.name, options.into, step.output, inputs)
      assertNotLost(this.device)
    }
    const step = prepare(kernel, inputs, attributes, this.limits, options)
    live()
    const { label } = step.pipeline
    const pipeline = await this.pipelines.get(step.pipeline)
    // once more: what was there may have been destroyed while the pipeline was compiled
    live()
    const { into } = options
    const { held, isZero } = into ? { held: into.memory, isZero: true } : this.#output(label, step.output)
    const resources = kernel.inputs.map((_, i) => this.#input(inputs[i]))
    const { settled } = scoped(this.device, label, () => {
      const encoder = this.device.createCommandEncoder({ label })
      if (kernel.isPartial && !isZero) encoder.clearBuffer(held.buffer)
      if (step.grid[0] > 0) this.submit(encoder, step, pipeline, [...resources, this.#resource(held)])
      else this.device.queue.submit([encoder.finish()])
    })
    const done = inOrder(held.settled, settled)
    return into?.refilled(done) ?? new GpuTensor(this.device, step.output.dtype, step.output.shape, held, done)
  }

  #output(label: string, { dtype, shape }: TensorType): ReturnType<DeviceMemory["take"]> {
    return this.memory.take(label, tensorBytes(this.limits, dtype, shape), STORED)
  }

  /** Puts a dispatch behind what is in `encoder` and submits it: bound are `resources`, then a uniform of `params`. */
  submit(
    encoder: GPUCommandEncoder,
    { pipeline: { label }, params, grid }: Pick<Step, "pipeline" | "params" | "grid">,
    { pipeline, layout }: Pipeline,
    resources: readonly GPUBindingResource[],
  ): void {
    const { device } = this
    const uniform = this.memory.take("params", params.byteLength, usage.UNIFORM | usage.COPY_DST).held
    device.queue.writeBuffer(uniform.buffer, 0, params)
    const entries = [...resources, this.#resource(uniform)].map((resource, binding) => ({ binding, resource }))
    const pass = encoder.beginComputePass({ label })
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, device.createBindGroup({ label, layout, entries }))
    pass.dispatchWorkgroups(...grid)
    pass.end()
    device.queue.submit([encoder.finish()])
    // whoever is next writes to it in a later submission; where none is kept it is destroyed, which is too early before this one
    uniform.release()
  }

  #resource({ buffer, bytes }: HeldBuffer): GPUBufferBinding {
    return { buffer, size: bytes }
  }

  #input(input: GpuTensor | undefined): GPUBufferBinding {
    if (!input) return { buffer: this.#absent() }
    const offset = dtypeBytes(input.dtype, input.offset)
    return { buffer: input.buffer, offset, size: input.memory.bytes - offset }
  }

  /** What is bound in the place of an input that is left out. */
  #absent(): GPUBuffer {
    this.#nothing ??= this.device.createBuffer({ label: "absent", size: 4, usage: usage.STORAGE })
    return this.#nothing
  }

  #checkInputs<P, A, N extends string>(kernel: Kernel<P, A, N>, inputs: readonly (GpuTensor | undefined)[]): void {
    for (const [i, input] of inputs.entries()) {
      const { name } = kernel.inputs[i]!
      const refuse = (message: string) =>
        fail("IPFA_INPUT_INVALID", { message: `${kernel.name}: ${name} ${message}.`, data: { path: name } })
      if (input?.destroyed) throw refuse("was destroyed")
      if (input && input.device !== this.device) throw refuse("is on another device")
    }
  }

  #checkInto(
    op: string,
    into: GpuTensor | undefined,
    { dtype, shape }: TensorType,
    inputs: readonly (GpuTensor | undefined)[],
  ): void {
    if (!into) return
    const refuse = (message: string) =>
      fail("IPFA_INPUT_INVALID", { message: `${op}: into ${message}.`, data: { path: "into" } })
    if (into.destroyed) throw refuse("was destroyed")
    if (into.device !== this.device) throw refuse("is on another device")
    if (into.dtype !== dtype || into.shape.join() !== shape.join())
      throw refuse(`is ${into.dtype} [${into.shape}] where the result is ${dtype} [${shape}]`)
    if (!into.isWhole) throw refuse("is a view")
    if (into.memory.bytes < 4) throw refuse("has too small a buffer")
    if (inputs.some((input) => input?.buffer === into.buffer)) throw refuse("is one of the inputs")
  }
}
