import type { Progress, StoredModel } from "../protocol/index.ts"

/** Who asks for a model: uploads belong to `owner`, and only it can name them. */
export interface ModelOwner {
  /** An origin, or `bridge:ADDRESS`, `owner`. */
  owner: string
  /** Most bytes this owner may have stored. */
  storeBytes?: number
  /** Has all it needs and uploads it: what it uploaded is not pinned, and of others' models it can name none, however they came here. */
  lends?: boolean
  /** What it uploads is not its own, but for everybody who may name it: the person's. */
  shares?: boolean
  /** Asks from a private window: what is had for it is kept nowhere. */
  isPrivate?: boolean
}

/** What was learned of a model, by name: kept beside its bytes, and gone with them. */
export interface Notes {
  get(name: string): Promise<string[] | undefined>
  set(name: string, lines: string[]): Promise<void>
}

export interface AcquiredModel {
  /** The reference as it was asked for. */
  reference: string
  /** Lower-case hex. */
  sha256: string
  bytes: number
  /** True where the bytes were in the store already. */
  stored: boolean
  /** Set where it was had as this owner's alone (an upload, a private address): nobody else may learn that it is here. */
  ownedBy?: string
  /** The verified bytes in memory of their own (may be transferred). */
  read(): Promise<Uint8Array<ArrayBuffer>>
  /** Node: the file that holds them. */
  path?: string
  /** Absent where none are kept. */
  notes?: Notes
}

/** Where a pool gets models: resolvers in front of a store. Implemented by engine/store/library.ts. */
export interface ModelSource {
  /**
   * The bytes that `reference` names, verified and stored. Two callers that ask for the same at once share one download.
   * Throws IPFA_MODEL_REFERENCE, _SCHEME, _NOT_FOUND, _FETCH, _ADDRESS, _DIGEST, _CHANGED, _TOO_LARGE, IPFA_STORE_QUOTA, IPFA_JOB_CANCELLED.
   */
  acquire(
    reference: string,
    owner: ModelOwner,
    options?: { signal?: AbortSignal; onProgress?: (progress: Progress) => void },
  ): Promise<AcquiredModel>
  /** One part of an upload, in order; the last gives the reference `sha256:…`, which only `owner` can use. The upload stays while its owner has a right here. */
  put(
    owner: ModelOwner,
    part: { uploadId: string; offset: number; total: number; bytes: Uint8Array },
  ): Promise<{ received: number; reference?: string }>
  list(): Promise<{ models: StoredModel[]; usedBytes: number; quotaBytes: number }>
  delete(sha256: string): Promise<boolean>
}
