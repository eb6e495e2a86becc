import type { EventOf, MethodDefinition, ParamsIn, ParamsOf, ResultOf } from "./define-method.ts"
import type { Message, MessageOf } from "./envelope.ts"
import { AccelerateError, asAccelerateError, fail } from "./errors/error.ts"
import { deserialiseError, serialiseError } from "./errors/wire.ts"
import type { MethodName, Methods } from "./methods/index.ts"
import type { Port } from "./port.ts"
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from "./version.ts"

/** How a peer reads what arrives. `Peer` (peer.ts) validates everything; a page that only ever talks to the extension it came from does without the schemas. */
export interface Contract {
  /** The message in `raw`, or an error that says why it is none. */
  message(raw: unknown): Message
  /** The method's declaration; undefined where there is no such method. */
  method(name: string): MethodDefinition | undefined
  /** `value` as the method has it, or IPFA_INPUT_INVALID (params) or IPFA_PROTOCOL_MALFORMED. */
  check(method: MethodDefinition, part: "params" | "result" | "event", value: unknown): unknown
}

export interface CallOptions<M extends MethodDefinition> {
  signal?: AbortSignal
  /** The call fails with IPFA_JOB_DEADLINE after this time, and what it started is cancelled. */
  deadlineMs?: number
  /** 0 (background) … 9 (someone waits and watches); default 5. */
  priority?: number
  trace?: string
  /** Idempotency key. */
  key?: string
  onEvent?: (event: EventOf<M>) => void | Promise<void>
  /** Buffers in `params` that may be moved instead of copied; they are empty afterwards. */
  transfer?: Transferable[]
}

export interface CallContext<M extends MethodDefinition, C> {
  /** Aborts when the caller cancels, the deadline passes or the connection ends; its reason is the error to end with. */
  readonly signal: AbortSignal
  readonly deadlineMs: number | undefined
  readonly priority: number
  readonly trace: string | undefined
  readonly key: string | undefined
  /** Who calls, as the owner of the connection knows it. */
  readonly caller: C
  /** Sends an event; resolves when the caller has room for the next (at once for `latest`). */
  emit(event: EventOf<M>): Promise<void>
  /** Buffers of the result that may be moved instead of copied. */
  transfer(buffers: Transferable[]): void
}

export type Handler<M extends MethodDefinition, C> = (
  params: ParamsOf<M>,
  call: CallContext<M, C>,
) => ResultOf<M> | Promise<ResultOf<M>>

/** What a side answers; a method that is not there is IPFA_PROTOCOL_UNKNOWN_METHOD to the caller. */
export type Handlers<C> = { [N in MethodName]?: Handler<Methods[N], C> }

export interface PeerOptions<C> {
  /** What this side is, for the other's log: `page`, `pool`, `bridge`, … */
  role: string
  handlers?: Handlers<C>
  caller?: C
  /** Called before a handler; throws to refuse. Where grants are enforced. */
  authorise?: (method: MethodDefinition, params: unknown, caller: C) => void | Promise<void>
  /** Calls the other side may have running at once. */
  maxCalls?: number
  /** A side that lets more than this pile up unread is cut off, bytes. */
  maxPendingBytes?: number
  versions?: [oldest: number, newest: number]
}

interface Outgoing {
  method: MethodDefinition
  resolve(value: unknown): void
  reject(error: AccelerateError): void
  onEvent: ((event: never) => void | Promise<void>) | undefined
  seq: number
}

interface Incoming {
  controller: AbortController
  credit: number
  /** Wakes an `emit` that waits for credit. */
  wake: (() => void)[]
  latest: { value: unknown } | undefined
  seq: number
}

const CREDIT = 32

/** One end of a connection: calls the other side's methods and answers its calls. Use `Peer`, which validates. */
export class PeerCore<C = undefined> {
  /** Resolves when the connection has ended, with the reason where there was one. */
  readonly closed: Promise<AccelerateError | undefined>
  /** The other side's role, once its hello came. */
  remoteRole: string | undefined
  /** The version both speak, once the other's hello came. */
  version: number | undefined

  readonly #port: Port
  readonly #contract: Contract
  readonly #options: PeerOptions<C>
  readonly #outgoing = new Map<number, Outgoing>()
  readonly #incoming = new Map<number, Incoming>()
  #nextId = 1
  #end: { error: AccelerateError | undefined } | undefined
  #resolveClosed!: (error: AccelerateError | undefined) => void

  constructor(port: Port, options: PeerOptions<C>, contract: Contract) {
    this.#port = port
    this.#contract = contract
    this.#options = options
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    port.start(
      (message) => this.#receive(message),
      (reason) => this.#finish(reason === undefined ? undefined : asAccelerateError(reason, "IPFA_PROTOCOL_CLOSED")),
    )
    this.#post({ kind: "hello", versions: this.#versions, role: options.role, software: "ipfs-accelerate" })
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
    const { signal, deadlineMs, priority, trace, key, onEvent, transfer } = options
    return new Promise((resolve, reject) => {
      if (this.#end) return reject(this.#end.error ?? fail("IPFA_PROTOCOL_CLOSED"))
      if (signal?.aborted) return reject(abortReason(signal))
      const id = this.#nextId++
      const settle = () => {
        this.#outgoing.delete(id)
        clearTimeout(timer)
        signal?.removeEventListener("abort", onAbort)
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
      this.#outgoing.set(id, {
        method: this.#contract.method(name) as MethodDefinition,
        resolve: (value) => {
          settle()
          resolve(value as ResultOf<Methods[N]>)
        },
        reject: (error) => {
          settle()
          reject(error)
        },
        onEvent: onEvent as Outgoing["onEvent"],
        seq: 0,
      })
      const message: MessageOf<"call"> = { kind: "call", id, method: name, params }
      if (deadlineMs !== undefined) message.deadlineMs = deadlineMs
      if (priority !== undefined) message.priority = priority
      if (trace !== undefined) message.trace = trace
      if (key !== undefined) message.key = key
      if (onEvent) message.credit = CREDIT
      try {
        this.#port.send(message, transfer)
      } catch (error) {
        this.#outgoing.get(id)?.reject(asAccelerateError(error, "IPFA_PROTOCOL_CLOSED"))
      }
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
    for (const call of this.#incoming.values()) {
      call.controller.abort(reason)
    }
    this.#incoming.clear()
    this.#resolveClosed(error)
  }

  #post(message: Message, transfer?: Transferable[]): void {
    if (this.#end) return
    try {
      this.#port.send(message, transfer)
    } catch (error) {
      if (message.kind === "complete" || message.kind === "event") {
        this.#port.send({ kind: "error", id: message.id, error: serialiseError(error) })
        return
      }
      this.close(asAccelerateError(error, "IPFA_PROTOCOL_CLOSED"))
    }
    if (this.#port.pendingBytes > (this.#options.maxPendingBytes ?? 2 ** 30))
      this.close(fail("IPFA_PROTOCOL_SLOW_READER"))
  }

  #receive(raw: unknown): void {
    if (this.#end) return
    let message: Message
    try {
      message = this.#contract.message(raw)
    } catch (error) {
      return this.close(asAccelerateError(error, "IPFA_PROTOCOL_MALFORMED"))
    }
    switch (message.kind) {
      case "hello":
        return this.#onHello(message)
      case "call":
        void this.#onCall(message)
        return
      case "cancel":
        return this.#incoming.get(message.id)?.controller.abort(fail("IPFA_JOB_CANCELLED"))
      case "credit":
        return this.#onCredit(message)
      case "event":
        return this.#onEvent(message)
      case "complete":
        return this.#onComplete(message)
      case "error":
        return this.#outgoing.get(message.id)?.reject(deserialiseError(message.error))
      case "cancelled":
        return this.#outgoing.get(message.id)?.reject(fail("IPFA_JOB_CANCELLED"))
    }
  }

  #onHello({ versions: [oldest, newest], role }: MessageOf<"hello">): void {
    const version = Math.min(newest, this.#versions[1])
    if (version < Math.max(oldest, this.#versions[0]))
      return this.close(fail("IPFA_PROTOCOL_VERSION", { data: { here: this.#versions, there: [oldest, newest] } }))
    this.version = version
    this.remoteRole = role
  }

  // An answer to a call that is not waited for any more (cancelled, or never made) is dropped.

  #onComplete({ id, value }: MessageOf<"complete">): void {
    const call = this.#outgoing.get(id)
    if (!call) return
    try {
      call.resolve(this.#contract.check(call.method, "result", value))
    } catch (error) {
      call.reject(asAccelerateError(error))
    }
  }

  #onEvent({ id, seq, value }: MessageOf<"event">): void {
    const call = this.#outgoing.get(id)
    if (!call) return
    const refuse = (error: AccelerateError) => {
      call.reject(error)
      this.#post({ kind: "cancel", id })
    }
    if (seq !== call.seq++ || !call.method.event)
      return refuse(fail("IPFA_PROTOCOL_MALFORMED", { message: "A stream's events came out of order.", data: { seq } }))
    let event: unknown
    try {
      event = this.#contract.check(call.method, "event", value)
    } catch (error) {
      return refuse(asAccelerateError(error))
    }
    // Credit goes back when the event was taken in, so that a slow consumer slows the producer.
    void (async () => {
      try {
        await call.onEvent?.(event as never)
        if (this.#outgoing.has(id)) this.#post({ kind: "credit", id, events: 1 })
      } catch (error) {
        refuse(asAccelerateError(error))
      }
    })()
  }

  #onCredit({ id, events }: MessageOf<"credit">): void {
    const call = this.#incoming.get(id)
    if (!call) return
    call.credit += events
    if (call.latest && call.credit > 0) {
      const { value } = call.latest
      call.latest = undefined
      call.credit--
      this.#post({ kind: "event", id, seq: call.seq++, value })
    }
    wakeAll(call)
  }

  async #onCall(message: MessageOf<"call">): Promise<void> {
    const { id } = message
    // An id that is in use can't be answered unambiguously: the peer is broken.
    if (this.#incoming.has(id))
      return this.close(fail("IPFA_PROTOCOL_MALFORMED", { message: `Call id ${id} is in use.` }))
    const call: Incoming = {
      controller: new AbortController(),
      credit: message.credit ?? 0,
      wake: [],
      latest: undefined,
      seq: 0,
    }
    const { signal } = call.controller
    this.#incoming.set(id, call)
    signal.addEventListener("abort", () => wakeAll(call), { once: true })
    const timer =
      message.deadlineMs === undefined
        ? undefined
        : setTimeout(
            () => call.controller.abort(fail("IPFA_JOB_DEADLINE", { data: { deadlineMs: message.deadlineMs } })),
            message.deadlineMs,
          )
    const buffers: Transferable[] = []
    let answer: Message
    try {
      const value = await Promise.race([this.#serve(message, call, buffers), aborted(signal)])
      answer = { kind: "complete", id, value }
    } catch (error) {
      const e = asAccelerateError(signal.aborted ? signal.reason : error)
      answer =
        e.code === "IPFA_JOB_CANCELLED" ? { kind: "cancelled", id } : { kind: "error", id, error: serialiseError(e) }
    } finally {
      clearTimeout(timer)
    }
    // A peer that was closed and all its calls with it gets no answer.
    if (this.#incoming.get(id) !== call) return
    this.#incoming.delete(id)
    this.#post(answer, answer.kind === "complete" ? buffers : undefined)
  }

  async #serve(message: MessageOf<"call">, call: Incoming, buffers: Transferable[]): Promise<unknown> {
    if (this.#incoming.size > (this.#options.maxCalls ?? 1024)) throw fail("IPFA_QUEUE_FULL")
    const method = this.#contract.method(message.method)
    const handlers = this.#options.handlers
    const handler =
      method && handlers && Object.hasOwn(handlers, method.name)
        ? (handlers[method.name as MethodName] as Handler<MethodDefinition, C> | undefined)
        : undefined
    if (!method || !handler) throw fail("IPFA_PROTOCOL_UNKNOWN_METHOD", { data: { method: message.method } })
    const caller = this.#options.caller as C
    const params = this.#contract.check(method, "params", message.params)
    await this.#options.authorise?.(method, params, caller)
    return handler(params, {
      signal: call.controller.signal,
      deadlineMs: message.deadlineMs,
      priority: message.priority ?? 5,
      trace: message.trace,
      key: message.key,
      caller,
      emit: (event) => this.#emit(message.id, method, call, event),
      transfer: (list) => buffers.push(...list),
    })
  }

  async #emit(id: number, method: MethodDefinition, call: Incoming, value: unknown): Promise<void> {
    if (method.events === "latest" && call.credit <= 0) {
      call.latest = { value }
      return
    }
    while (call.credit <= 0 && !call.controller.signal.aborted) await new Promise<void>((wake) => call.wake.push(wake))
    if (call.controller.signal.aborted) throw call.controller.signal.reason
    if (this.#incoming.get(id) !== call) return
    call.credit--
    this.#post({ kind: "event", id, seq: call.seq++, value })
  }
}

function abortReason(signal: AbortSignal): AccelerateError {
  return signal.reason instanceof AccelerateError ? signal.reason : fail("IPFA_JOB_CANCELLED", { cause: signal.reason })
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }))
}

function wakeAll(call: Incoming): void {
  for (const wake of call.wake.splice(0)) wake()
}
