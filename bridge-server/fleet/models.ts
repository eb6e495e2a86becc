import { randomUUID } from "node:crypto"
import { createReadStream } from "node:fs"
import type { AcquiredModel, ModelOwner, ModelSource } from "../../engine/model-source.ts"
import {
  AccelerateError,
  type CallOptions,
  type ErrorCode,
  type Methods,
  type Progress,
  type SessionInfo,
  SharedWorks,
  UPLOAD_PART_BYTES,
} from "../../protocol/index.ts"
import type { Aliases } from "./aliases.ts"
import type { Member, MemberDevice } from "./member.ts"

/** A model whose bytes the bridge has and has verified. */
export interface BridgeModel {
  reference: string
  sha256: string
  /** With its external data. */
  bytes: number
  /** They were here before. */
  stored: boolean
  precision?: "float32" | "float16" | "int8" | "int4"
  main: AcquiredModel
  /** External data by the names the graph uses. */
  external: { path: string; file: AcquiredModel }[]
  /** Tells apart what must not share a session. */
  key: string
}

export interface ModelRequest {
  model: string
  external?: Record<string, string>
  precision?: BridgeModel["precision"]
}

/** The agent has not got the bytes, or threw damaged ones away just now. */
const isGone: ReadonlySet<ErrorCode> = new Set(["IPFA_MODEL_NOT_FOUND", "IPFA_STORE_CORRUPT"])

type OpenOptions = Pick<CallOptions<Methods["session.open"]>, "signal" | "priority" | "trace" | "onEvent">

/** Gets models once for the whole fleet, and to the agents that have not got them. */
export class FleetModels {
  readonly source: ModelSource
  readonly aliases: Aliases
  readonly #uploads = new WeakMap<Member, SharedWorks<void>>()

  constructor(source: ModelSource, aliases: Aliases) {
    this.source = source
    this.aliases = aliases
  }

  async acquire(
    { model, external = {}, precision }: ModelRequest,
    owner: ModelOwner,
    options: { signal: AbortSignal; onProgress?: (progress: Progress) => void },
  ): Promise<BridgeModel> {
    const reference = this.aliases.resolve(model)
    const main = await this.source.acquire(reference, owner, options)
    const files: BridgeModel["external"] = []
    for (const [path, where] of Object.entries(external))
      files.push({ path, file: await this.source.acquire(where, owner, options) })
    const key = [main.sha256, precision ?? "", ...files.map(({ path, file }) => `${path}=${file.sha256}`).sort()].join(
      "|",
    )
    return {
      reference,
      sha256: main.sha256,
      bytes: files.reduce((sum, { file }) => sum + file.bytes, main.bytes),
      stored: main.stored && files.every(({ file }) => file.stored),
      ...(precision && { precision }),
      main,
      external: files,
      key,
    }
  }

  /** Opens on one device, by hash; an agent that has not got the bytes is given them and asked again. */
  async open(device: MemberDevice, model: BridgeModel, options: OpenOptions): Promise<SessionInfo> {
    const { peer } = device.member
    const params = {
      model: `sha256:${model.sha256}`,
      device: device.id,
      ...(model.precision && { precision: model.precision }),
      ...(model.external.length > 0 && {
        external: Object.fromEntries(model.external.map(({ path, file }) => [path, `sha256:${file.sha256}`])),
      }),
    }
    const files = [model.main, ...model.external.map((x) => x.file)]
    return this.withModel(device.member, files, () => peer.call("session.open", params, options), options.signal)
  }

  /** Asks an agent; where it has not got the bytes, it is given `files` and asked again. */
  async withModel<T>(
    member: Member,
    files: readonly AcquiredModel[],
    ask: () => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof AccelerateError) || !isGone.has(error.code)) throw error
    }
    for (const file of files) await this.give(member, file, signal)
    return ask()
  }

  /** Uploads to an agent; those who need the same there wait for one upload. */
  give(member: Member, file: AcquiredModel, signal?: AbortSignal): Promise<void> {
    const ofMember = this.#uploads.get(member) ?? new SharedWorks<void>()
    this.#uploads.set(member, ofMember)
    return ofMember.of(file.sha256, (shared) => send(member, file, shared)).wait(signal)
  }
}

async function send(member: Member, file: AcquiredModel, signal: AbortSignal): Promise<void> {
  const uploadId = randomUUID()
  let offset = 0
  for await (const bytes of parts(file)) {
    await member.peer.call("model.put", { uploadId, offset, total: file.bytes, bytes }, { signal })
    offset += bytes.byteLength
  }
}

/** From its file where it has one, since a model may be larger than the memory that is free. What arrives is hashed by the agent. */
async function* parts(file: AcquiredModel): AsyncGenerator<Uint8Array> {
  if (file.path !== undefined) {
    yield* createReadStream(file.path, { highWaterMark: UPLOAD_PART_BYTES })
    return
  }
  const bytes = await file.read()
  for (let offset = 0; offset < bytes.byteLength; offset += UPLOAD_PART_BYTES)
    yield bytes.subarray(offset, offset + UPLOAD_PART_BYTES)
}
