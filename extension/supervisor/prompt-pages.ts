import type { Caller } from "../../engine/caller.ts"
import type { Handlers, Peer } from "../../protocol/index.ts"
import type { Prompts } from "../gate/prompts.ts"

/** The windows that ask the person, by the connections of their pages. */
export class PromptPages {
  readonly #prompts: Prompts
  readonly #pages = new Map<string, Peer<Caller>>()

  constructor(prompts: Prompts) {
    this.#prompts = prompts
  }

  handlers(peer: () => Peer<Caller>): Handlers<Caller> {
    return {
      "prompt.show": ({ id }) => {
        const details = this.#prompts.details(id)
        this.#pages.set(id, peer())
        return details
      },
      "prompt.answer": ({ id, answer }) => {
        this.#prompts.details(id)
        this.#prompts.answer(id, answer)
        return {}
      },
    }
  }

  /** There is nothing to ask any more: the page closes its window when its connection ends. One that is still loading will find that out by itself. */
  close(id: string): void {
    this.#pages.get(id)?.close()
    this.#pages.delete(id)
  }

  /** The window was closed: no answer is a no. */
  left(peer: Peer<Caller>): void {
    for (const [id, page] of this.#pages) {
      if (page !== peer) continue
      this.#pages.delete(id)
      this.#prompts.answer(id, "deny")
    }
  }
}
