import { asAccelerateError, type ErrorCode, fail, registry } from "../errors/index.ts"

/** Said before a channel is closed, where the channel has no way of its own to say why. */
export interface Bye {
  kind: "bye"
  reason?: string
}

export function bye(reason: string | undefined): Bye {
  return reason === undefined ? { kind: "bye" } : { kind: "bye", reason }
}

/** The other side's reason as an error of ours; undefined where it gave none that is in the registry. */
export function reasonError(reason: unknown): Error | undefined {
  return typeof reason === "string" && Object.hasOwn(registry, reason) ? fail(reason as ErrorCode) : undefined
}

/** The receiving half of every port: keeps what arrives until the port is started, then passes it on in order, then tells of the end once. */
export class Inbox {
  readonly #release: () => void
  #waiting: unknown[] | undefined = []
  #receive: ((message: unknown) => void) | undefined
  #ended: ((reason?: unknown) => void) | undefined
  #end: { reason: unknown; told: boolean } | undefined

  /** `release` gives the channel up after the other side's `bye`. */
  constructor(release: () => void) {
    this.#release = release
  }

  get isEnded(): boolean {
    return this.#end !== undefined
  }

  /** Takes one message in; a `bye` ends. */
  arrive(message: unknown): void {
    if (this.#end) return
    if (this.#waiting) this.#waiting.push(message)
    else if (isBye(message)) {
      this.end(reasonError(message.reason))
      this.#release()
    } else this.#receive?.(message)
  }

  /** The channel ended. */
  end(reason?: unknown): void {
    if (this.#end) return
    this.#end = { reason, told: false }
    this.#tell()
  }

  /** This side ended it: nothing more is delivered or told. */
  close(): void {
    this.#end = { reason: undefined, told: true }
    this.#waiting = undefined
  }

  start(receive: (message: unknown) => void, ended: (reason?: unknown) => void): void {
    this.#receive = receive
    this.#ended = ended
    const waiting = this.#waiting ?? []
    const end = this.#end
    this.#waiting = undefined
    this.#end = undefined
    for (const message of waiting) this.arrive(message)
    // An end that came before the start comes after what arrived before it.
    if (end && !this.#end) this.#end = end
    this.#tell()
  }

  #tell(): void {
    if (!this.#end || this.#end.told || !this.#ended) return
    this.#end.told = true
    this.#ended(this.#end.reason)
  }
}

/** Takes in what `decode` makes; where that throws, `refuse` is told to end the channel, and the port ends with the error. No method, which would weigh a page down. */
export function arriveDecoded(inbox: Inbox, refuse: (code: ErrorCode) => void, decode: () => unknown): void {
  if (inbox.isEnded) return
  let message: unknown
  try {
    message = decode()
  } catch (cause) {
    const error = asAccelerateError(cause, "IPFA_PROTOCOL_MALFORMED")
    refuse(error.code)
    return inbox.end(error)
  }
  if (message !== undefined) inbox.arrive(message)
}

function isBye(message: unknown): message is Bye {
  return typeof message === "object" && message !== null && (message as Bye).kind === "bye"
}
