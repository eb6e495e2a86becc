import type { ExternalData, ModelInfo } from "../../graph/index.ts"
import { validateModel } from "../../graph/index.ts"
import type { BenchmarkRecord, DeviceInfo, EndedJob, Measurement } from "../../protocol/index.ts"
import type { HostFactory } from "../host-factory.ts"
import type { ModelSource } from "../model-source.ts"
import type { KeyedMeasurement } from "./measurements.ts"

export interface PoolOptions {
  /** This agent's id. */
  agent: string
  /** What it runs in. */
  browser: NonNullable<DeviceInfo["browser"]>
  version: string
  /** One for each backend; its devices are found by probing it. */
  hosts: readonly HostFactory[]
  models: ModelSource
  /** Bytes that all loaded sessions and kept tensors may take together; default `defaultBudgetBytes`. */
  budgetBytes?: number
  /** Told of every opening and run but those of private windows, as it happens; `key` as a later `measurements` is to have it. */
  onMeasurement?(measurement: Measurement, key?: string): void
  /** Told of every job that ended, and of what each benchmark found on a device: for the person alone, as both say who asked; nothing of private windows. */
  onJob?(job: EndedJob): void
  onBenchmark?(benchmark: BenchmarkRecord): void
  /** Earlier ones, oldest first, that choices go by from the start: those that have a `key`. */
  measurements?: Iterable<KeyedMeasurement>
  /** ms since 1970 */
  now?(): number
  random?(): number
  /**
   * Whether models that were used lately may now be tried, while nobody wants anything, on devices they were never measured on: on mains power,
   * not on a metered network, nothing said against it by the person. Default: never.
   */
  mayTune?(): boolean
  /** What every model's bytes must pass before a host sees them; throws IPFA_MODEL_INVALID. */
  validate?(bytes: Uint8Array, options: { externalData?: ExternalData }): ModelInfo
  limits?: Partial<PoolLimits>
}

export interface PoolLimits {
  /** A host's start and probe: compiling a runtime on a busy machine takes its time. */
  probeMs: number
  /** Loading and compiling a model on a device. */
  openMs: number
  /** A run whose caller set no deadline. */
  runMs: number
  /** How long a host may go on with what was cancelled or is past its deadline before it is ended. */
  stuckMs: number
  /**
   * How long one run may keep other origins from a host, since none can be interrupted: then a CPU's worker is ended, and from a GPU's those
   * that can go elsewhere until it is ended after ten times as long. An opening may take longer, by its size.
   */
  turnMs: number
  /** How long jobs that may move wait for a lost device's replacement. */
  patienceMs: number
  /** Jobs sent to a host ahead of their turn, so that the device does not idle between them. */
  depth: number
  /** Jobs that may wait for one host, and what the inputs of one origin's unfinished jobs may take, bytes. */
  queued: number
  queuedBytes: number
  /** How long a completed job's result answers for its idempotency key, ms, and how many bytes of results are held for that. */
  keptResultMs: number
  keptResultBytes: number
  /** Sessions one connection may have open. */
  leases: number
  /** A worker on which nobody has had a session for that long, ms, and whose heap is larger than that, is ended until it is needed. */
  unusedHostMs: number
  unusedHeapBytes: number
  /** How long nobody may have wanted anything, ms, before something is tried. */
  tuneIdleMs: number
}

const defaultLimits: PoolLimits = {
  probeMs: 60_000,
  openMs: 120_000,
  runMs: 300_000,
  stuckMs: 30_000,
  turnMs: 2_500,
  patienceMs: 3_000,
  depth: 2,
  queued: 512,
  queuedBytes: 512 * 2 ** 20,
  keptResultMs: 60_000,
  keptResultBytes: 64 * 2 ** 20,
  leases: 1024,
  unusedHostMs: 60_000,
  unusedHeapBytes: 256 * 2 ** 20,
  tuneIdleMs: 10_000,
}

/** What the person lets the pool take; may change while it runs. */
export interface Allowance {
  budgetBytes: number
  /** Part of the time that a GPU may compute: above 0, at most 1. */
  gpuShare: number
  /** Nothing is computed now, but for the person's own pages. */
  paused: boolean
}

export interface PoolSettings extends Required<Omit<PoolOptions, "limits" | "measurements" | "hosts">>, Allowance {
  limits: PoolLimits
}

export function poolSettings(options: PoolOptions): PoolSettings {
  return {
    agent: options.agent,
    browser: options.browser,
    version: options.version,
    models: options.models,
    budgetBytes: options.budgetBytes ?? defaultBudgetBytes(),
    gpuShare: 1,
    paused: false,
    onMeasurement: options.onMeasurement ?? (() => undefined),
    onJob: options.onJob ?? (() => undefined),
    onBenchmark: options.onBenchmark ?? (() => undefined),
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
    mayTune: options.mayTune ?? (() => false),
    validate: options.validate ?? validateModel,
    limits: { ...defaultLimits, ...options.limits },
  }
}

/** A quarter of the memory where the browser tells how much there is, else 2 GB. */
export function defaultBudgetBytes(): number {
  const memory = (globalThis.navigator as { deviceMemory?: number } | undefined)?.deviceMemory
  return memory === undefined ? 2e9 : (memory * 1e9) / 4
}
