import { fail, type KeptTensor, type Tensor, type TensorInfo } from "../../protocol/index.ts"
import type { BackendSession, RunOptions } from "../backend.ts"

/** Sizes of symbolic dimensions by name, such as `{ batch: 4 }`. */
export type Sizes = Record<string, number>

export interface SizedOptions {
  inputs: TensorInfo[]
  outputs: TensorInfo[]
  memoryBytes: number
  /** Opens the model with its symbolic dimensions fixed. */
  open(sizes: Sizes): Promise<BackendSession>
}

/** Compiled sizes held at once; more would be as many copies of the weights. */
const MOST = 4

/**
 * A model with symbolic dimensions on a device that compiles graphs of fixed shapes only: it is compiled once for each set of sizes that it
 * is run with, and the latest are held. What a run kept can be fed to runs of the same sizes.
 */
export class SizedSession implements BackendSession {
  readonly inputs: TensorInfo[]
  readonly outputs: TensorInfo[]
  readonly note = "compiled anew for each size of its symbolic dimensions"
  readonly #options: SizedOptions
  /** By sizes, least recently used first. */
  readonly #held = new Map<string, BackendSession>()
  readonly #keeper = new Map<string, BackendSession>()

  constructor(options: SizedOptions) {
    this.#options = options
    this.inputs = options.inputs
    this.outputs = options.outputs
  }

  get memoryBytes(): number {
    return this.#options.memoryBytes * Math.max(1, this.#held.size)
  }

  get keptBytes(): number {
    return [...this.#held.values()].reduce((sum, s) => sum + s.keptBytes, 0)
  }

  async run(feeds: Record<string, Tensor | KeptTensor>, options: RunOptions) {
    const session = await this.#sessionFor(sizesOf(this.inputs, feeds))
    for (const [name, feed] of Object.entries(feeds)) {
      const keeper = "kept" in feed ? this.#keeper.get(feed.kept) : session
      if (keeper !== undefined && keeper !== session)
        throw misfit(`feeds.${name}`, "a tensor kept by a run of the same sizes")
    }
    const result = await session.run(feeds, options)
    for (const tensor of Object.values(result.outputs)) if ("kept" in tensor) this.#keeper.set(tensor.kept, session)
    return result
  }

  release(kept: readonly string[]): void {
    for (const id of kept) {
      this.#keeper.get(id)?.release([id])
      this.#keeper.delete(id)
    }
  }

  async close(): Promise<void> {
    for (const session of this.#held.values()) await session.close()
    this.#held.clear()
    this.#keeper.clear()
  }

  async #sessionFor(sizes: Sizes): Promise<BackendSession> {
    const key = JSON.stringify(sizes)
    let session = this.#held.get(key)
    this.#held.delete(key)
    if (!session) {
      await this.#makeRoom()
      session = await this.#options.open(sizes)
    }
    this.#held.set(key, session)
    return session
  }

  async #makeRoom(): Promise<void> {
    for (const [key, session] of this.#held) {
      if (this.#held.size < MOST) return
      // One that keeps tensors for its caller has to stay.
      if (session.keptBytes > 0) continue
      this.#held.delete(key)
      await session.close()
    }
  }
}

/** The sizes that `feeds` give the symbolic dimensions of `inputs`. Throws IPFA_INPUT_SHAPE where two differ. */
function sizesOf(inputs: readonly TensorInfo[], feeds: Readonly<Record<string, Tensor | KeptTensor>>): Sizes {
  const sizes: Sizes = {}
  for (const { name, shape } of inputs)
    shape.forEach((dim, i) => {
      const size = feeds[name]?.shape[i]
      if (typeof dim !== "string" || size === undefined) return
      sizes[dim] ??= size
      if (sizes[dim] !== size) throw misfit(`feeds.${name}.shape.${i}`, `${sizes[dim]}, as ${dim} is elsewhere`)
    })
  return sizes
}

function misfit(path: string, expected: string): Error {
  return fail("IPFA_INPUT_SHAPE", { message: `${path}: expected ${expected}`, data: { path, expected } })
}
