import { fail } from "../protocol/errors/error.ts"
import type { Tuning, WgslFile } from "./define-kernel.ts"
import { gpuFailure, scoped } from "./gpu-errors.ts"
import { type Config, preprocess } from "./preprocess.ts"

const SHADER_STAGE_COMPUTE = 0x4 // GPUShaderStage.COMPUTE

export interface PipelineRequest {
  /** `op:variant`, for labels and messages. */
  readonly label: string
  readonly source: WgslFile
  readonly config: Config
  readonly tuning: Tuning
}
export interface Pipeline {
  readonly pipeline: GPUComputePipeline
  readonly layout: GPUBindGroupLayout
}

/** The compiled pipelines of one device, by what was asked for. */
export class PipelineCache {
  readonly #device: GPUDevice
  readonly #pipelines = new Map<string, Promise<Pipeline>>()

  constructor(device: GPUDevice) {
    this.#device = device
  }

  get size(): number {
    return this.#pipelines.size
  }

  /** The pipeline for `request`; equal requests share one compilation, also while it is under way. One that failed may be asked for again. */
  get(request: PipelineRequest): Promise<Pipeline> {
    const key = pipelineKey(request)
    let pipeline = this.#pipelines.get(key)
    if (!pipeline) {
      pipeline = compile(this.#device, request)
      this.#pipelines.set(key, pipeline)
      pipeline.catch(() => this.#pipelines.delete(key))
    }
    return pipeline
  }
}

/** All that the compiled code depends on, and nothing else; the order in which config and tuning were written does not count. */
export function pipelineKey({ source, config, tuning }: PipelineRequest): string {
  const sorted = (record: Config) => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([source.path, source.hash, sorted(config), sorted(tuning)])
}

async function compile(device: GPUDevice, { label, source, config, tuning }: PipelineRequest): Promise<Pipeline> {
  const code = preprocess(source.path, source.code, config)
  const module = scoped(device, label, () => device.createShaderModule({ label, code }))
  // before its own scope's words, the compiler's, which name the line
  const info = await module.value.getCompilationInfo().catch((error) => {
    throw gpuFailure(device, label, error)
  })
  const mistake = info.messages.find((message) => message.type === "error")
  if (mistake)
    throw fail("IPFA_INTERNAL", { message: `${label}: ${source.path}:${mistake.lineNum}: ${mistake.message}` })
  await module.settled

  const layouts = scoped(device, label, () => {
    const entries = source.bindings.map(({ access }, binding) => ({
      binding,
      visibility: SHADER_STAGE_COMPUTE,
      ...bound[access],
    }))
    const group = device.createBindGroupLayout({ label, entries })
    return { group, pipeline: device.createPipelineLayout({ label, bindGroupLayouts: [group] }) }
  })
  const creation = scoped(device, label, () =>
    device.createComputePipelineAsync({
      label,
      layout: layouts.value.pipeline,
      compute: { module: module.value, entryPoint: "main", constants: { ...tuning } },
    }),
  )
  try {
    const [pipeline] = await Promise.all([creation.value, layouts.settled, creation.settled])
    return { pipeline, layout: layouts.value.group }
  } catch (error) {
    throw gpuFailure(device, label, error)
  }
}

const bound = {
  texture: { texture: { sampleType: "unfilterable-float" } },
  external: { externalTexture: {} },
  read: { buffer: { type: "read-only-storage" } },
  read_write: { buffer: { type: "storage" } },
  uniform: { buffer: { type: "uniform" } },
} as const
