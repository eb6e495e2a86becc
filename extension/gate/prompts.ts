import { type Answer, fail, type PromptDetails } from "../../protocol/index.ts"

/** Origins that may wait for an answer at once. */
const MAX_WAITING = 8
/** Denials, and withdrawals of what the person saw, in a row after which an origin's requests are denied without a prompt, and for how long. */
const PATIENCE = 3
const QUIET_MS = 10 * 60_000
/** How long a window that was opened may take to ask what it is to show: a busy machine needs more than ten seconds. That it was closed is told at once. */
const LOAD_MS = 60_000

interface Prompt {
  id: string
  details: PromptDetails
  settle(answer: Answer | Error): void
}

/** Opens and closes the window for a prompt. */
export interface PromptWindow {
  show(id: string): Promise<void>
  close(id: string): void
}

/** Runs something after that many ms, unless the returned function is called before. */
export type Later = (run: () => void, ms: number) => () => void

const realLater: Later = (run, ms) => {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}

/** Asks the person one thing at a time: one open request for each origin, and one window for all. */
export class Prompts {
  readonly #window: PromptWindow
  readonly #now: () => number
  readonly #later: Later
  readonly #queue: Prompt[] = []
  readonly #denials = new Map<string, { count: number; at: number }>()
  /** Ends the wait for the window that is shown. */
  #loaded: (() => void) | undefined

  constructor(window: PromptWindow, now: () => number = Date.now, later: Later = realLater) {
    this.#window = window
    this.#now = now
    this.#later = later
  }

  /**
   * Resolves with what the person decided. `signal` withdraws the request.
   * Throws IPFA_GRANT_PROMPT where this origin waits for an answer already, or too many others do.
   */
  ask(details: PromptDetails, signal?: AbortSignal): Promise<Answer> {
    const { origin } = details
    if (this.#queue.some((prompt) => prompt.details.origin === origin)) return Promise.reject(fail("IPFA_GRANT_PROMPT"))
    if (this.#queue.length >= MAX_WAITING)
      return Promise.reject(fail("IPFA_GRANT_PROMPT", { message: "Too many sites wait for an answer." }))
    const denied = this.#denials.get(origin)
    if (denied && denied.count >= PATIENCE && this.#now() < denied.at + QUIET_MS) return Promise.resolve("deny")
    return new Promise<Answer>((resolve, reject) => {
      const withdraw = () => {
        // Else a page could put window after window before the person.
        if (this.#queue[0] === prompt) this.#refused(origin)
        this.#end(prompt, signal?.reason)
      }
      const prompt: Prompt = {
        id: crypto.randomUUID(),
        details,
        settle: (answer) => {
          signal?.removeEventListener("abort", withdraw)
          if (typeof answer === "string") resolve(answer)
          else reject(answer)
        },
      }
      signal?.addEventListener("abort", withdraw, { once: true })
      this.#queue.push(prompt)
      if (this.#queue.length === 1) this.#showFirst()
    })
  }

  /** What the window of prompt `id` is to ask. Throws IPFA_GRANT_PROMPT where there is none such: it was withdrawn. */
  details(id: string): PromptDetails {
    const prompt = this.#queue[0]
    if (prompt?.id !== id) throw fail("IPFA_GRANT_PROMPT", { message: "That request was withdrawn." })
    this.#loaded?.()
    return prompt.details
  }

  /** The person's decision; closing the window is `deny`. */
  answer(id: string, answer: Answer): void {
    const prompt = this.#queue[0]
    if (prompt?.id !== id) return
    const { origin } = prompt.details
    if (answer === "deny") this.#refused(origin)
    else this.#denials.delete(origin)
    this.#end(prompt, answer)
  }

  #refused(origin: string): void {
    this.#denials.set(origin, { count: (this.#denials.get(origin)?.count ?? 0) + 1, at: this.#now() })
  }

  #end(prompt: Prompt, outcome: Answer | Error): void {
    const place = this.#queue.indexOf(prompt)
    if (place < 0) return
    this.#queue.splice(place, 1)
    prompt.settle(outcome)
    if (place > 0) return
    this.#loaded?.()
    this.#window.close(prompt.id)
    this.#showFirst()
  }

  #showFirst(): void {
    const prompt = this.#queue[0]
    if (!prompt) return
    // One that was closed before it asked has no connection whose end would tell.
    const cancel = this.#later(() => this.answer(prompt.id, "deny"), LOAD_MS)
    this.#loaded = cancel
    this.#window.show(prompt.id).catch((cause: unknown) => this.#end(prompt, fail("IPFA_INTERNAL", { cause })))
  }
}
