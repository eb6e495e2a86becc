import type { TensorInfo } from "../../protocol/index.ts"
import type { Evictable } from "./eviction.ts"
import type { Host } from "./host.ts"
import type { Job } from "./job.ts"
import type { Model } from "./models.ts"

/** What a host holds of a model while it is loaded there. */
export interface Residence {
  /** The host's life it belongs to. */
  readonly life: number
  readonly handle: string
  readonly memoryBytes: number
  keptTensors: number
  keptBytes: number
  /** Runs since it was opened; the first compiles what was not compiled yet. */
  runs: number
}

/** One model on one device, shared by all who opened it there. It outlives being loaded: unloaded or lost, it is opened again when it is next run. */
export class Loaded implements Evictable {
  readonly model: Model
  readonly host: Host
  /** Selector */
  readonly device: string
  /** The tuner's. */
  readonly isTrial: boolean
  leases = 0
  /** Jobs that wait for it or run on it. */
  readonly jobs = new Set<Job>()
  lastUsedAt = 0
  /** While it is opened: bytes set aside. */
  reservedBytes = 0
  opening: Promise<void> | undefined
  /** Who asked for that first. */
  openedBy: string | undefined
  /** Somebody waits for the opening who wants this device and no other. */
  isForced = false
  inputs: TensorInfo[] = []
  outputs: TensorInfo[] = []
  openMs = 0
  note: string | undefined
  #residence: Residence | undefined

  constructor(model: Model, host: Host, device: string, isTrial = false) {
    this.model = model
    this.host = host
    this.device = device
    this.isTrial = isTrial
  }

  /** Undefined while it is not loaded; what was loaded in an earlier life of the host is gone. */
  get residence(): Residence | undefined {
    return this.#residence?.life === this.host.life ? this.#residence : undefined
  }

  set residence(residence: Residence | undefined) {
    this.#residence = residence
  }

  /** It is loaded, and is known to stay: an opening that turns out to have no room takes it away again. */
  get isReady(): boolean {
    return this.residence !== undefined && this.opening === undefined
  }

  get bytes(): number {
    return this.modelBytes + (this.residence?.keptBytes ?? 0)
  }

  /** Without kept tensors. */
  get modelBytes(): number {
    return this.residence?.memoryBytes ?? this.reservedBytes
  }

  get pending(): number {
    return this.jobs.size + (this.opening ? 1 : 0)
  }

  get keptTensors(): number {
    return this.residence?.keptTensors ?? 0
  }
}
