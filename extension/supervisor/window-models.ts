import type { AcquiredModel, ModelOwner, ModelSource } from "../../engine/model-source.ts"
import type { ModelLibrary } from "../../engine/store/library.ts"
import type { UploadPart } from "../../engine/store/uploads.ts"

/** The models that are kept, and apart from them those of private windows, which don't show there what is kept here. */
export class WindowModels implements ModelSource {
  readonly #kept: ModelLibrary
  readonly #inMemory: () => ModelLibrary
  #private: ModelLibrary | undefined

  /** `inMemory` makes a library that keeps nothing elsewhere. */
  constructor(kept: ModelLibrary, inMemory: () => ModelLibrary) {
    this.#kept = kept
    this.#inMemory = inMemory
  }

  acquire(
    reference: string,
    owner: ModelOwner,
    options?: Parameters<ModelSource["acquire"]>[2],
  ): Promise<AcquiredModel> {
    return this.#of(owner.isPrivate).acquire(reference, owner, options)
  }

  put(owner: ModelOwner, part: UploadPart): ReturnType<ModelSource["put"]> {
    return this.#of(owner.isPrivate).put(owner, part)
  }

  /** What is kept. */
  list(): ReturnType<ModelSource["list"]> {
    return this.#kept.list()
  }

  delete(sha256: string): Promise<boolean> {
    return this.#kept.delete(sha256)
  }

  /** Whether `origin` uploaded the model with that SHA-256, in windows of that kind. */
  async uploaded(origin: string, sha256: string, isPrivate: boolean): Promise<boolean> {
    const { models } = await this.#of(isPrivate).list()
    return models.some((model) => model.sha256 === sha256 && model.owners.includes(origin))
  }

  /** The last page in a private window has ended. */
  forgetPrivate(): void {
    this.#private = undefined
  }

  #of(isPrivate = false): ModelLibrary {
    if (!isPrivate) return this.#kept
    this.#private ??= this.#inMemory()
    return this.#private
  }
}
