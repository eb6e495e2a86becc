import type { MethodDefinition } from "./define-method.ts"
import type { MessageOf } from "./envelope.ts"
import { type AccelerateError, asAccelerateError, fail } from "./errors/error.ts"
import { serialiseError } from "./errors/wire.ts"
import { EventSender } from "./event-sender.ts"
import type { MethodName } from "./methods/index.ts"
import type { Answerer, Answering, Contract, Handler, Link, PeerOptions } from "./peer-types.ts"

/** One call of the other side's, while it runs. */
class Incoming {
  readonly events: EventSender
  /** Rejects when the call is ended early. */
  readonly aborted: Promise<never>
  /** Why it was, if it was. */
  reason: AccelerateError | undefined
  #reject!: (reason: AccelerateError) => void
  #undo: (() => void) | undefined
  #controller: AbortController | undefined

  constructor(events: EventSender) {
    this.events = events
    this.aborted = new Promise((_, reject) => {
      this.#reject = reject
    })
  }

  /** Made when it is asked for: it costs more than the rest of a call, and many handlers are over at once. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.reason) this.#controller.abort(this.reason)
    }
    return this.#controller.signal
  }

  abort(reason: AccelerateError): void {
    if (this.reason) return
    this.reason = reason
    this.#controller?.abort(reason)
    this.#reject(reason)
    this.#undo?.()
  }

  get canUndo(): boolean {
    return this.#undo !== undefined
  }

  undo(undo: () => void): void {
    if (this.reason) undo()
    else this.#undo = undo
  }
}

/** Results on their way that can still be undone, at most. */
const MAX_UNDOABLE = 64

/** The half of a connection that answers calls with handlers. */
export const answerCalls: Answerer = (options, contract, link) => new CallAnswering(options, contract, link)

class CallAnswering implements Answering {
  readonly #options: PeerOptions<unknown>
  readonly #contract: Contract
  readonly #link: Link
  readonly #incoming = new Map<number, Incoming>()
  /** Answered lately: a cancel that crossed the answer on its way still undoes it. */
  readonly #undoable = new Map<number, Incoming>()
  /** Handlers that have not settled; a call that was cancelled may still have its own running. */
  #running = 0

  constructor(options: PeerOptions<unknown>, contract: Contract, link: Link) {
    this.#options = options
    this.#contract = contract
    this.#link = link
  }

  refuse(raw: unknown, { data }: AccelerateError): boolean {
    const id = callId(raw)
    if (id === undefined || this.#incoming.has(id)) return false
    this.#link.post({ kind: "error", id, error: serialiseError(fail("IPFA_INPUT_INVALID", { data })) })
    return true
  }

  call(message: MessageOf<"call">): void {
    void this.#call(message)
  }

  cancel(id: number): void {
    const call = this.#incoming.get(id) ?? this.#undoable.get(id)
    this.#undoable.delete(id)
    call?.abort(fail("IPFA_JOB_CANCELLED"))
  }

  grant(id: number, events: number): void {
    this.#incoming.get(id)?.events.grant(events)
  }

  end(reason: AccelerateError): void {
    const incoming = [...this.#incoming.values()]
    this.#incoming.clear()
    this.#undoable.clear()
    for (const call of incoming) call.abort(reason)
  }

  async #call(message: MessageOf<"call">): Promise<void> {
    const { id, deadlineMs } = message
    // An id that is in use can't be answered unambiguously: the peer is broken.
    if (this.#incoming.has(id))
      return this.#link.close(fail("IPFA_PROTOCOL_MALFORMED", { data: { reason: `call id ${id} is in use` } }))
    const method = this.#contract.method(message.method)
    const events = new EventSender(method?.events, message.credit, (seq, value) => {
      const unsent = this.#link.send({ kind: "event", id, seq, value })
      if (unsent) throw unsent.cause
    })
    const call = new Incoming(events)
    this.#incoming.set(id, call)
    const expire = () => call.abort(fail("IPFA_JOB_DEADLINE", { data: { deadlineMs } }))
    const timer = deadlineMs === undefined ? undefined : setTimeout(expire, deadlineMs)
    const buffers = new Set<Transferable>()
    let answer: MessageOf<"complete" | "error" | "cancelled">
    try {
      const value = await Promise.race([this.#serve(message, method, call, buffers), call.aborted])
      answer = { kind: "complete", id, value }
    } catch (error) {
      const e = call.reason ?? asAccelerateError(error)
      answer =
        e.code === "IPFA_JOB_CANCELLED" ? { kind: "cancelled", id } : { kind: "error", id, error: serialiseError(e) }
    } finally {
      clearTimeout(timer)
      events.end(call.reason)
    }
    this.#incoming.delete(id)
    if (answer.kind !== "complete") return this.#link.post(answer)
    if (call.canUndo) {
      this.#undoable.set(id, call)
      if (this.#undoable.size > MAX_UNDOABLE) this.#undoable.delete(this.#undoable.keys().next().value as number)
    }
    const unsent = this.#link.send(answer, [...buffers])
    if (unsent) this.#link.post({ kind: "error", id, error: serialiseError(unsent.cause) })
  }

  async #serve(
    message: MessageOf<"call">,
    method: MethodDefinition | undefined,
    call: Incoming,
    buffers: Set<Transferable>,
  ): Promise<unknown> {
    if (this.#running >= (this.#options.maxCalls ?? 1024)) throw fail("IPFA_QUEUE_FULL")
    const handlers = this.#options.handlers
    const handler =
      method && handlers && Object.hasOwn(handlers, method.name)
        ? (handlers[method.name as MethodName] as Handler<MethodDefinition, unknown> | undefined)
        : undefined
    if (!method || !handler) throw fail("IPFA_PROTOCOL_UNKNOWN_METHOD", { data: { method: message.method } })
    const { caller } = this.#options
    const params = this.#contract.check(method, "params", message.params)
    this.#running++
    try {
      await this.#options.authorise?.(method, params, caller)
      const value = await handler(params, {
        get signal() {
          return call.signal
        },
        deadlineMs: message.deadlineMs,
        priority: message.priority ?? 5,
        trace: message.trace,
        key: message.key,
        caller,
        emit: (event) => call.events.emit(event),
        transfer: (list) => {
          for (const buffer of list) buffers.add(buffer)
        },
        undo: (undo) => call.undo(undo),
      })
      await call.events.drained()
      return value
    } finally {
      this.#running--
    }
  }
}

/** The id of what was meant as a call, where it has one that can be answered. */
function callId(raw: unknown): number | undefined {
  if (typeof raw !== "object" || raw === null) return undefined
  const { kind, id } = raw as { kind?: unknown; id?: unknown }
  return kind === "call" && Number.isSafeInteger(id) && (id as number) > 0 ? (id as number) : undefined
}
