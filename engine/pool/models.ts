import { externalNameFault, type ModelInfo } from "../../graph/index.ts"
import {
  abortReason,
  asAccelerateError,
  type DeviceInfo,
  fail,
  type Methods,
  type ParamsIn,
  type Progress,
  SharedWorks,
} from "../../protocol/index.ts"
import type { AcquiredModel, ModelOwner } from "../model-source.ts"
import { flopsOf, type Shapes } from "./flops.ts"
import type { PoolSettings } from "./options.ts"
import type { Slots } from "./slots.ts"

/** What a host is sent to open a model. */
export type HostFiles = Omit<ParamsIn<Methods["device.open"]>, "device"> & { transfer: ArrayBuffer[] }

/** A model whose bytes were verified and validated. */
export interface Model {
  /** Its SHA-256, with those of its external data, and whose alone it is where it is not shared. */
  readonly key: string
  readonly sha256: string
  /** One owner's alone. */
  readonly isOwned: boolean
  /** Had in a private window: no measurement of it is told, and it is not tried in idle time. */
  readonly isPrivate: boolean
  /** Of the file and its external data. */
  readonly bytes: number
  readonly info: ModelInfo
  /** Estimate of what it will hold on a device, until a host has said. */
  readonly needBytes: number
  /** Devices that can't run it, and why. */
  readonly unsupported: Map<string, string>
  /** Operations of one run; undefined where unknown. Inferred when first asked for, from bytes that were just validated. */
  readonly flops: number | undefined
  /** Infers `flops` for inputs of `shapes` where it is not known yet. Reads the model once more: nothing to do while somebody waits. */
  learnFlops(shapes: Shapes): Promise<void>
  /** Files to open it with; bytes that were just validated are not read twice. */
  files(): Promise<HostFiles>
  /** What its runs on devices like this one needed, as hosts named it: told from life to life, where the model's store keeps notes and it was not had in a private window. */
  pipelines(device: DeviceInfo): Promise<string[] | undefined>
  keepPipelines(device: DeviceInfo, pipelines: string[]): Promise<void>
  /** Drops bytes that were read and not used. */
  settle(): void
}

export interface LoadOptions {
  owner: ModelOwner
  signal: AbortSignal
  onProgress(progress: Progress): void
}

interface Parts {
  main: AcquiredModel
  external: [name: string, AcquiredModel][]
}

/** What a runtime holds beside the weights: activations, packed copies. The host says how much it is once it is open. */
const NEED_FACTOR = 1.2
/** Models remembered after their sessions are gone, so that they need no second validation. */
const REMEMBERED = 256
/** Files larger than this are not read again for an estimate. */
const READ_AGAIN_BYTES = 256 * 2 ** 20

/** From references to validated models. */
export class Models {
  readonly #settings: PoolSettings
  readonly #slots: Slots
  readonly #known = new Map<string, Model>()
  readonly #validating = new SharedWorks<Model>()

  constructor(settings: PoolSettings, slots: Slots) {
    this.#settings = settings
    this.#slots = slots
  }

  async load(
    reference: string,
    external: Readonly<Record<string, string>>,
    options: LoadOptions,
  ): Promise<{ model: Model; stored: boolean }> {
    const { owner, signal, onProgress } = options
    for (const name of Object.keys(external)) {
      const fault = externalNameFault(name)
      if (fault)
        throw fail("IPFA_INPUT_INVALID", { message: `external: expected ${fault}`, data: { path: `external.${name}` } })
    }
    const acquire = (ref: string) => this.#settings.models.acquire(ref, owner, { signal, onProgress })
    const parts: Parts = { main: await acquire(reference), external: [] }
    for (const [name, ref] of Object.entries(external)) parts.external.push([name, await acquire(ref)])
    parts.external.sort(([a], [b]) => (a < b ? -1 : 1))
    const isPrivate = owner.isPrivate === true
    const ownedBy = ownerOf(parts)
    const key = keyOf(parts, ownedBy, isPrivate)
    const stored = parts.main.stored && parts.external.every(([, part]) => part.stored)
    let model = this.#known.get(key)
    if (!model) {
      onProgress({ phase: "validate", loaded: 0 })
      const validate = async (all: AbortSignal) => {
        // It had to wait for its turn, and nobody did.
        if (all.aborted) throw abortReason(all)
        return makeModel(
          { key, isOwned: ownedBy !== undefined, isPrivate },
          parts,
          await parts.main.read(),
          this.#settings,
        )
      }
      const validating = this.#validating.of(key, (all) => this.#slots.run(owner.owner, () => validate(all)))
      model = await validating.wait(signal)
    }
    if (isPrivate) return { model, stored }
    this.#known.delete(key)
    this.#known.set(key, model)
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value as string)
    return { model, stored }
  }
}

/** Nothing is converted: IPFA_MODEL_PRECISION where `wanted` is not what most of the model's weights are. */
export function checkPrecision({ info }: Model, wanted: string | undefined): void {
  if (wanted === undefined || info.precision === wanted) return
  const are = info.precision === undefined ? "It has no weights" : `Most of its weights are ${info.precision}`
  throw fail("IPFA_MODEL_PRECISION", {
    message: `${are}, not ${wanted}, and models are not converted. Load one exported in ${wanted}, or leave precision out.`,
    data: { precision: info.precision, wanted },
  })
}

function ownerOf({ main, external }: Parts): string | undefined {
  return main.ownedBy ?? external.find(([, part]) => part.ownedBy !== undefined)?.[1].ownedBy
}

/** Equal bytes that two own apart stay apart, as do a private window's: how fast one opens would tell its owner of the other. */
function keyOf({ main, external }: Parts, ownedBy: string | undefined, isPrivate: boolean): string {
  const digests = [main.sha256, ...external.map(([name, part]) => `${name}=${part.sha256}`)]
  return JSON.stringify([digests, ownedBy, isPrivate])
}

function makeModel(
  whose: Pick<Model, "key" | "isOwned" | "isPrivate">,
  parts: Parts,
  bytes: Uint8Array<ArrayBuffer>,
  settings: PoolSettings,
): Model {
  const { main, external } = parts
  let info: ModelInfo
  try {
    info = settings.validate(bytes, { externalData: new Map(external.map(([name, part]) => [name, part.bytes])) })
  } catch (error) {
    throw asAccelerateError(error, "IPFA_MODEL_INVALID")
  }
  const total = external.reduce((sum, [, part]) => sum + part.bytes, main.bytes)
  let fresh: Uint8Array<ArrayBuffer> | undefined = main.path === undefined ? bytes : undefined
  let uncounted: Uint8Array | undefined = bytes
  let flops: number | undefined
  let isLearned = false
  const notes = whose.isPrivate ? undefined : main.notes
  // One for each key: who has equal bytes apart does not learn of the other by how fast they open.
  const noteName = ({ backend, adapter }: DeviceInfo) => JSON.stringify([whose.key, backend, adapter])
  return {
    ...whose,
    sha256: main.sha256,
    bytes: total,
    info,
    needBytes: Math.ceil(Math.max(total, info.weightBytes) * NEED_FACTOR),
    unsupported: new Map(),
    get flops() {
      if (uncounted) flops = flopsOf(uncounted, info)
      uncounted = undefined
      return flops
    },
    async learnFlops(shapes) {
      if (isLearned || flops !== undefined || main.bytes > READ_AGAIN_BYTES) return
      isLearned = true
      flops = flopsOf(await main.read(), info, shapes)
    },
    async files() {
      // They are moved to the host.
      uncounted = undefined
      const transfer: ArrayBuffer[] = []
      const data = async (part: AcquiredModel) => {
        if (part.path !== undefined) return part.path
        const read = await part.read()
        transfer.push(read.buffer)
        return read
      }
      if (fresh) transfer.push(fresh.buffer)
      const model = fresh ?? (await data(main))
      fresh = undefined
      if (external.length === 0) return { model, transfer }
      const parts: { path: string; data: Uint8Array | string }[] = []
      for (const [path, part] of external) parts.push({ path, data: await data(part) })
      return { model, external: parts, transfer }
    },
    pipelines: async (device) => notes?.get(noteName(device)),
    keepPipelines: async (device, pipelines) => notes?.set(noteName(device), pipelines),
    settle() {
      fresh = uncounted = undefined
    },
  }
}
