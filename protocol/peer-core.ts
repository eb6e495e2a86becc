import { abortReason } from "./abort.ts"
import type { MethodDefinition, ParamsIn, ResultOf } from "./define-method.ts"
import type { Message, MessageOf } from "./envelope.ts"
import { type AccelerateError, asAccelerateError, fail } from "./errors/error.ts"
import { deserialiseError } from "./errors/wire.ts"
import { EventReceiver } from "./event-receiver.ts"
import type { MethodName, Methods } from "./methods/index.ts"
import type { Answerer, Answering, CallOptions, Contract, PeerOptions, Unsent } from "./peer-types.ts"
import type { Port } from "./port.ts"
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from "./version.ts"

export type * from "./peer-types.ts"

interface Outgoing {
  method: MethodDefinition
  events: EventReceiver
  resolve(value: unknown): void
  reject(error: AccelerateError): void
}

/** What a timer takes; the envelope's limit too. */
const MAX_DEADLINE_MS = 2 ** 31 - 1

/** One end of a connection: calls the other side's methods and answers its calls. Use `Peer`, which validates. */
export class PeerCore<C = undefined> {
  /** Resolves when the connection has ended, with the reason where there was one. */
  readonly closed: Promise<AccelerateError | undefined>
  /** Resolves with true once the other side's hello came, with false when the connection ended before that. */
  readonly ready: Promise<boolean>
  /** The other side's role, once its hello came. */
  remoteRole: string | undefined
  /** The version both speak, once the other's hello came. */
  version: number | undefined

  readonly #port: Port
  readonly #contract: Contract
  readonly #options: PeerOptions<C>
  readonly #outgoing = new Map<number, Outgoing>()
  readonly #answering: Answering | undefined
  #nextId = 1
  #end: { error: AccelerateError | undefined } | undefined
  #resolveClosed!: (error: AccelerateError | undefined) => void
  #resolveReady!: (ready: boolean) => void

  /** Without `answer` this side calls and is not called: a page has no use for that half. */
  constructor(port: Port, options: PeerOptions<C>, contract: Contract, answer?: Answerer) {
    this.#port = port
    this.#contract = contract
    this.#options = options
    this.#answering = answer?.(options as PeerOptions<unknown>, contract, {
      send: (message, transfer) => this.#send(message, transfer),
      post: (message) => this.#post(message),
      close: (error) => this.close(error),
    })
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve
    })
    this.#post({ kind: "hello", versions: this.#versions, role: options.role, software: "ipfs-accelerate" })
    port.start(
      (message) => this.#receive(message),
      (reason) => this.#finish(reason === undefined ? undefined : asAccelerateError(reason, "IPFA_PROTOCOL_CLOSED")),
    )
  }

  get #versions(): [number, number] {
    return this.#options.versions ?? [OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION]
  }

  get isClosed(): boolean {
    return this.#end !== undefined
  }

  /** Calls `name` on the other side. Rejects with an AccelerateError; never hangs past `deadlineMs` or the connection's end. */
  call<N extends MethodName>(
    name: N,
    params: ParamsIn<Methods[N]>,
    options: CallOptions<Methods[N]> = {},
  ): Promise<ResultOf<Methods[N]>> {
    const { signal, priority, trace, key, onEvent, transfer } = options
    const deadlineMs = options.deadlineMs === undefined ? undefined : Math.min(options.deadlineMs, MAX_DEADLINE_MS)
    return new Promise((resolve, reject) => {
      const method = this.#contract.method(name)
      if (!method) return reject(fail("IPFA_PROTOCOL_UNKNOWN_METHOD", { data: { method: name } }))
      if (this.#end) return reject(this.#end.error ?? fail("IPFA_PROTOCOL_CLOSED"))
      if (signal?.aborted) return reject(abortReason(signal))
      const id = this.#nextId++
      const settle = () => {
        this.#outgoing.delete(id)
        clearTimeout(timer)
        signal?.removeEventListener("abort", onAbort)
        events.end()
      }
      const giveUp = (error: AccelerateError) => {
        if (!this.#outgoing.has(id)) return
        settle()
        this.#post({ kind: "cancel", id })
        reject(error)
      }
      const onAbort = () => giveUp(abortReason(signal as AbortSignal))
      const timer =
        deadlineMs === undefined
          ? undefined
          : setTimeout(() => giveUp(fail("IPFA_JOB_DEADLINE", { data: { deadlineMs } })), deadlineMs)
      signal?.addEventListener("abort", onAbort, { once: true })
      const events = new EventReceiver({
        onEvent,
        check: (value) => this.#contract.check(method, "event", value),
        grant: (count) => this.#post({ kind: "credit", id, events: count }),
        refuse: (error) => giveUp(asAccelerateError(error)),
      })
      this.#outgoing.set(id, {
        method,
        events,
        resolve: (value) => {
          settle()
          resolve(value as ResultOf<Methods[N]>)
        },
        reject: (error) => {
          settle()
          reject(error)
        },
      })
      const message: Omit<MessageOf<"call">, "params"> = { kind: "call", id, method: name }
      if (deadlineMs !== undefined) message.deadlineMs = deadlineMs
      if (priority !== undefined) message.priority = priority
      if (trace !== undefined) message.trace = trace
      if (key !== undefined) message.key = key
      if (events.credit !== undefined) message.credit = events.credit
      // Parameters last: for more than a few bytes behind a large array, V8 takes its serialised memory once more and copies it.
      const unsent = this.#send({ ...message, params }, transfer)
      if (unsent) this.#outgoing.get(id)?.reject(asAccelerateError(unsent.cause, unsent.code))
    })
  }

  /** Ends the connection; calls in flight on both sides end with IPFA_PROTOCOL_CLOSED, or `error`. */
  close(error?: AccelerateError): void {
    if (this.#end) return
    this.#port.close(error?.code)
    this.#finish(error)
  }

  #finish(error: AccelerateError | undefined): void {
    if (this.#end) return
    this.#end = { error }
    const reason = error ?? fail("IPFA_PROTOCOL_CLOSED")
    for (const call of [...this.#outgoing.values()]) call.reject(reason)
    this.#answering?.end(reason)
    this.#resolveReady(false)
    this.#resolveClosed(error)
  }

  /** Why a message could not be sent, and the code that this is to the one who wanted to; undefined where it was. */
  #send(message: Message, transfer?: Transferable[]): Unsent | undefined {
    if (this.#end) return undefined
    try {
      this.#port.send(message, transfer)
    } catch (cause) {
      // What platforms throw for a value that can't be cloned or written as JSON, as opposed to a channel that is gone.
      const value = cause instanceof TypeError || (cause instanceof DOMException && cause.name === "DataCloneError")
      return { cause, code: value ? "IPFA_INPUT_INVALID" : "IPFA_PROTOCOL_CLOSED" }
    }
    if (this.#port.pendingBytes > (this.#options.maxPendingBytes ?? 2 ** 30))
      this.close(fail("IPFA_PROTOCOL_SLOW_READER"))
    return undefined
  }

  #post(message: Message): void {
    const unsent = this.#send(message)
    if (unsent) this.close(asAccelerateError(unsent.cause, "IPFA_PROTOCOL_CLOSED"))
  }

  #receive(raw: unknown): void {
    if (this.#end) return
    let message: Message
    try {
      message = this.#contract.message(raw)
      if ((message.kind === "hello") !== (this.version === undefined))
        throw fail("IPFA_PROTOCOL_MALFORMED", { data: { reason: "hello comes first, and once" } })
    } catch (cause) {
      const error = asAccelerateError(cause, "IPFA_PROTOCOL_MALFORMED")
      // A call with options that are out of range is its caller's fault, not the connection's.
      if (this.version === undefined || !this.#answering?.refuse(raw, error)) this.close(error)
      return
    }
    // An answer to a call that is not waited for any more (cancelled, or never made) is dropped.
    switch (message.kind) {
      case "hello":
        return this.#onHello(message)
      case "call":
        if (this.#answering) return this.#answering.call(message)
        return this.close(fail("IPFA_PROTOCOL_MALFORMED", { data: { reason: "this side answers no calls" } }))
      case "cancel":
        return this.#answering?.cancel(message.id)
      case "credit":
        return this.#answering?.grant(message.id, message.events)
      case "event":
        return this.#outgoing.get(message.id)?.events.push(message.seq, message.value)
      default:
        return this.#onAnswer(message)
    }
  }

  #onHello({ versions: [oldest, newest], role }: MessageOf<"hello">): void {
    const version = Math.min(newest, this.#versions[1])
    if (version < Math.max(oldest, this.#versions[0]))
      return this.close(fail("IPFA_PROTOCOL_VERSION", { data: { here: this.#versions, there: [oldest, newest] } }))
    this.version = version
    this.remoteRole = role
    this.#resolveReady(true)
  }

  #onAnswer(answer: MessageOf<"complete" | "error" | "cancelled">): void {
    const call = this.#outgoing.get(answer.id)
    call?.events.finish(() => {
      if (answer.kind === "error") return call.reject(deserialiseError(answer.error))
      if (answer.kind === "cancelled") return call.reject(fail("IPFA_JOB_CANCELLED"))
      try {
        call.resolve(this.#contract.check(call.method, "result", answer.value))
      } catch (error) {
        call.reject(asAccelerateError(error))
      }
    })
  }
}
