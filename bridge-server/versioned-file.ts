import { existsSync, readFileSync } from "node:fs"
import { fail } from "../protocol/index.ts"
import { writeSecret } from "./data-folder.ts"

/** Brings what a file holds from one version to the next; never changed once it is released. The first gets what was written before there were versions. */
export type FileStep = (before: object) => object

/** A JSON file of the data folder, `{ "version": 1, … }`: readable by its owner alone, and written whole or not at all. */
export class VersionedFile<Held extends object> {
  readonly #file: string
  readonly #steps: readonly FileStep[]

  constructor(file: string, steps: readonly FileStep[]) {
    this.#file = file
    this.#steps = steps
  }

  /**
   * What the file holds; undefined where it is not there. One of an older version is migrated, and a copy of it kept beside it, `FILE.vN`; one of a
   * newer version is refused as it is: IPFA_STORE_NEWER.
   */
  read(): Held | undefined {
    if (!existsSync(this.#file)) return undefined
    const text = readFileSync(this.#file, "utf8")
    const { found, held } = split(JSON.parse(text))
    const here = this.#steps.length
    if (found > here) throw fail("IPFA_STORE_NEWER", { data: { file: this.#file, found, here } })
    if (found === here) return held as Held
    const migrated = this.#steps.slice(found).reduce((before, step) => step(before), held) as Held
    writeSecret(`${this.#file}.v${found}`, text)
    this.write(migrated)
    return migrated
  }

  write(held: Held): void {
    writeSecret(this.#file, `${JSON.stringify({ version: this.#steps.length, ...held }, null, 2)}\n`)
  }
}

function split(parsed: object): { found: number; held: object } {
  const { version, ...held } = parsed as { version?: unknown }
  // Of what has none a value may be called so: it is a text then.
  return typeof version === "number" ? { found: version, held } : { found: 0, held: parsed }
}
