import { fail } from "../../protocol/index.ts"
import { files } from "../files.ts"
import { type FileStep, VersionedFile } from "../versioned-file.ts"

/** From version 0, name → reference alone, on. */
const steps: readonly FileStep[] = [(aliases) => ({ aliases })]

/** Names for references, for those who talk KServe: `digits` → `file:…`. Shipped ones are there always; those that were added are kept in the data folder. */
export class Aliases {
  readonly #file: VersionedFile<{ aliases: Record<string, string> }> | undefined
  readonly #shipped: ReadonlyMap<string, string>
  readonly #added: Map<string, string>

  /** Throws IPFA_STORE_NEWER. */
  constructor(options: { file?: string; extra?: Record<string, string> } = {}) {
    this.#file = options.file === undefined ? undefined : new VersionedFile(options.file, steps)
    this.#shipped = new Map(Object.entries({ ...shippedModels(), ...options.extra }))
    this.#added = new Map(Object.entries(this.#file?.read()?.aliases ?? {}))
  }

  /** The reference a name stands for; a reference stands for itself. Throws IPFA_MODEL_NOT_FOUND for a name that is not there. */
  resolve(nameOrReference: string): string {
    const known = this.#added.get(nameOrReference) ?? this.#shipped.get(nameOrReference)
    if (known) return known
    // A name has no colon, a reference always has one.
    if (nameOrReference.includes(":")) return nameOrReference
    throw fail("IPFA_MODEL_NOT_FOUND", {
      message: "There is no model of that name. Add it with ipfs-accelerate models add, or give a model reference.",
      data: { name: nameOrReference.slice(0, 256) },
    })
  }

  has(name: string): boolean {
    return this.#added.has(name) || this.#shipped.has(name)
  }

  add(name: string, reference: string): void {
    if (!/^[a-z0-9][a-z0-9._-]{0,127}$/i.test(name))
      throw fail("IPFA_INPUT_INVALID", {
        data: { path: "name", expected: "letters, digits, dots, dashes and underscores" },
      })
    this.#added.set(name, reference)
    this.#write()
  }

  remove(name: string): boolean {
    if (!this.#added.delete(name)) return false
    this.#write()
    return true
  }

  list(): { name: string; reference: string; shipped: boolean }[] {
    const all = new Map<string, { name: string; reference: string; shipped: boolean }>()
    for (const [name, reference] of this.#shipped) all.set(name, { name, reference, shipped: true })
    for (const [name, reference] of this.#added) all.set(name, { name, reference, shipped: false })
    return [...all.values()]
  }

  #write(): void {
    this.#file?.write({ aliases: Object.fromEntries(this.#added) })
  }
}

function shippedModels(): Record<string, string> {
  return { digits: files.digits.href }
}
