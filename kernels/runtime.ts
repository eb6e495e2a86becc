import { dtypeBytes } from "../protocol/dtype.ts"
import { fail } from "../protocol/errors/error.ts"
import type { GpuDtype, Kernel, Limits, Shape } from "./define-kernel.ts"
import { assertNotLost, scoped, watchLoss } from "./gpu-errors.ts"
import { elems, GpuTensor, storageBuffer, usage } from "./gpu-tensor.ts"
import { workgroupGrid } from "./grid.ts"
import { packParams } from "./params.ts"
import { type Pipeline, PipelineCache } from "./pipelines.ts"
import { makePlan, type PlanOptions } from "./plan.ts"

export interface RunOptions<N extends string = string> extends PlanOptions<N> {
  /** Where the result goes, instead of into a new tensor; none of the inputs. Its shape and dtype are the result's. */
  into?: GpuTensor
}

/** Runs declared kernels on one device. */
export class KernelRuntime {
  readonly device: GPUDevice
  readonly limits: Limits
  readonly pipelines: PipelineCache

  /** `limits` may be tighter than the device's own, never wider. */
  constructor(device: GPUDevice, limits: Limits = device.limits) {
    this.device = device
    this.limits = limits
    this.pipelines = new PipelineCache(device)
    watchLoss(device)
  }

  /** Uploads row-major `data` of `shape`. */
  upload<D extends GpuDtype>(
    dtype: D,
    shape: Shape,
    data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
  ): GpuTensor<D> {
    if (data.length !== elems(shape))
      throw fail("IPFA_INPUT_SHAPE", { message: `[${shape}] takes ${elems(shape)} elements, not ${data.length}.` })
    assertNotLost(this.device)
    const { value, settled } = scoped(this.device, `upload [${shape}]`, () => {
      const buffer = storageBuffer(this.device, this.limits, dtype, shape, `upload [${shape}]`)
      this.device.queue.writeBuffer(buffer, 0, data)
      return buffer
    })
    return new GpuTensor(this.device, dtype, shape, value, settled)
  }

  /**
   * Computes `kernel` on `inputs`. Resolves once the work is submitted, before it is done: what fails on the device is thrown by the
   * result's read(). Throws IPFA_INPUT_SHAPE, IPFA_INPUT_INVALID, IPFA_DEVICE_UNSUPPORTED, IPFA_DEVICE_MEMORY, IPFA_DEVICE_LOST.
   */
  async run<P, A, N extends string>(
    kernel: Kernel<P, A, N>,
    inputs: readonly GpuTensor[],
    attributes: Partial<A> = {},
    options: RunOptions<N> = {},
  ): Promise<GpuTensor> {
    this.#checkInputs(kernel, inputs)
    const problem = kernel.problem(
      inputs.map((input) => input.shape),
      { ...kernel.defaults, ...attributes },
    )
    const plan = makePlan(kernel, problem, this.limits, options)
    const algorithm = kernel.algorithms[plan.algorithm]
    const shape = kernel.outputShape(problem)
    const dtype = inputs[0]!.dtype
    this.#checkInto(kernel.name, options.into, dtype, shape, inputs)
    const { workgroups, params } = algorithm.dispatch(problem, plan.tuning)
    const grid = workgroupGrid(workgroups, this.limits.maxComputeWorkgroupsPerDimension)
    const packed = packParams(algorithm.source.params, params)

    assertNotLost(this.device)
    const label = `${kernel.name}:${plan.algorithm}`
    const config = algorithm.config?.(problem) ?? {}
    const pipeline = await this.pipelines.get({ label, source: algorithm.source, config, tuning: plan.tuning })
    assertNotLost(this.device)
    // once more: they may have been destroyed while the pipeline was compiled
    this.#checkInputs(kernel, inputs)
    this.#checkInto(kernel.name, options.into, dtype, shape, inputs)
    const { value, settled } = scoped(this.device, label, () => {
      const output = options.into?.buffer ?? storageBuffer(this.device, this.limits, dtype, shape, label)
      const buffers = [...inputs.map((input) => input.buffer), output]
      if (workgroups > 0) this.#dispatch(label, pipeline, buffers, packed, grid)
      return output
    })
    return options.into?.refilled(settled) ?? new GpuTensor(this.device, dtype, shape, value, settled)
  }

  #dispatch(
    label: string,
    pipeline: Pipeline,
    buffers: GPUBuffer[],
    params: ArrayBuffer,
    grid: [number, number],
  ): void {
    const { device } = this
    const uniform = device.createBuffer({ label, size: params.byteLength, usage: usage.UNIFORM | usage.COPY_DST })
    device.queue.writeBuffer(uniform, 0, params)
    const entries = [...buffers, uniform].map((buffer, binding) => ({ binding, resource: { buffer } }))
    const group = device.createBindGroup({ label, layout: pipeline.layout, entries })
    const encoder = device.createCommandEncoder({ label })
    const pass = encoder.beginComputePass({ label })
    pass.setPipeline(pipeline.pipeline)
    pass.setBindGroup(0, group)
    pass.dispatchWorkgroups(...grid)
    pass.end()
    device.queue.submit([encoder.finish()])
    uniform.destroy()
  }

  #checkInputs<P, A, N extends string>(kernel: Kernel<P, A, N>, inputs: readonly GpuTensor[]): void {
    const refuse = (path: string, message: string) => fail("IPFA_INPUT_INVALID", { message, data: { path } })
    if (inputs.length !== kernel.inputs.length)
      throw refuse("", `${kernel.name} takes ${kernel.inputs.length} tensors (${kernel.inputs.join(", ")}).`)
    for (const [i, input] of inputs.entries()) {
      const name = kernel.inputs[i]!
      if (input.destroyed) throw refuse(name, `${kernel.name}: ${name} was destroyed.`)
      if (input.device !== this.device) throw refuse(name, `${kernel.name}: ${name} is on another device.`)
      if (!kernel.dtypes.includes(input.dtype) || input.dtype !== inputs[0]!.dtype)
        throw refuse(
          name,
          `${kernel.name} takes ${kernel.dtypes.join(" or ")}, all the same; ${name} is ${input.dtype}.`,
        )
    }
  }

  #checkInto(
    op: string,
    into: GpuTensor | undefined,
    dtype: GpuDtype,
    shape: Shape,
    inputs: readonly GpuTensor[],
  ): void {
    if (!into) return
    const refuse = (message: string) =>
      fail("IPFA_INPUT_INVALID", { message: `${op}: into ${message}.`, data: { path: "into" } })
    if (into.destroyed) throw refuse("was destroyed")
    if (into.device !== this.device) throw refuse("is on another device")
    if (into.dtype !== dtype || into.shape.join() !== shape.join())
      throw refuse(`is ${into.dtype} [${into.shape}] where the result is ${dtype} [${shape}]`)
    if (into.buffer.size < Math.max(dtypeBytes(dtype, elems(shape)), 4)) throw refuse("has too small a buffer")
    if (inputs.some((input) => input.buffer === into.buffer)) throw refuse("is one of the inputs")
  }
}
