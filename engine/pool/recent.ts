import type { Dtype, KeptTensor, Tensor } from "../../protocol/index.ts"
import type { Model } from "./models.ts"

/** What is remembered of a run's inputs: never what was in them. */
export type InputForms = Readonly<Record<string, { dtype: Dtype; shape: readonly number[] }>>

/** Of each input, by its name. */
export function shapesOf(forms: InputForms): Record<string, number[]> {
  return Object.fromEntries(Object.entries(forms).map(([name, { shape }]) => [name, [...shape]]))
}

export interface RecentModel {
  readonly model: Model
  /** Of the last run. */
  forms: InputForms
  /** ms since 1970 */
  usedAt: number
}

const REMEMBERED = 8

/** The models that callers ran last, and the shapes of what they fed them. */
export class Recent {
  readonly #models = new Map<string, RecentModel>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  used(model: Model, feeds: Readonly<Record<string, Tensor | KeptTensor>>): void {
    const known = this.#models.get(model.key)
    if (known) {
      known.usedAt = this.#now()
      if (!isForm(known.forms, feeds)) known.forms = formsOf(feeds)
      return
    }
    if (this.#models.size === REMEMBERED) this.forget(this.all().at(-1)!)
    this.#models.set(model.key, { model, forms: formsOf(feeds), usedAt: this.#now() })
  }

  forget({ model }: RecentModel): void {
    this.#models.delete(model.key)
  }

  /** The last used first. */
  all(): RecentModel[] {
    return [...this.#models.values()].sort((a, b) => b.usedAt - a.usedAt)
  }
}

function formsOf(feeds: Readonly<Record<string, Tensor | KeptTensor>>): InputForms {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, shape }]) => [name, { dtype, shape: [...shape] }]),
  )
}

function isForm(forms: InputForms, feeds: Readonly<Record<string, Tensor | KeptTensor>>): boolean {
  for (const name in feeds) {
    const { shape } = feeds[name]!
    const known = forms[name]?.shape
    if (known?.length !== shape.length || !known.every((dim, i) => dim === shape[i])) return false
  }
  return true
}
