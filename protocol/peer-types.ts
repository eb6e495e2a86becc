import type { EventOf, MethodDefinition, ParamsOf, ResultOf } from "./define-method.ts"
import type { Message, MessageOf } from "./envelope.ts"
import type { AccelerateError } from "./errors/error.ts"
import type { MethodName, Methods } from "./methods/index.ts"

/** How a peer reads what arrives. `Peer` (peer.ts) validates everything; a page that only ever talks to the extension it came from does without the schemas. */
export interface Contract {
  /** The message in `raw`, or an error that says why it is none. */
  message(raw: unknown): Message
  /** The method's declaration; undefined where there is no such method. */
  method(name: string): MethodDefinition | undefined
  /** `value` as the method has it, or IPFA_INPUT_INVALID (params) or IPFA_PROTOCOL_MALFORMED. */
  check(method: MethodDefinition, part: "params" | "result" | "event", value: unknown): unknown
}

/** Why a message could not be sent, and the code that this is to the one who wanted to. */
export interface Unsent {
  cause: unknown
  code: "IPFA_INPUT_INVALID" | "IPFA_PROTOCOL_CLOSED"
}

/** What a connection offers to the half of it that answers. */
export interface Link {
  send(message: Message, transfer?: Transferable[]): Unsent | undefined
  /** `send`, which ends the connection where that fails. */
  post(message: Message): void
  close(error: AccelerateError): void
}

/** The half of a connection that answers the other side's calls. */
export interface Answering {
  /** Answers what was meant as a call and is none, for its caller's sake; false where that can't be, and the connection is to end. */
  refuse(raw: unknown, error: AccelerateError): boolean
  call(message: MessageOf<"call">): void
  cancel(id: number): void
  grant(id: number, events: number): void
  /** The connection ended: nothing more is answered. */
  end(reason: AccelerateError): void
}
export type Answerer = (options: PeerOptions<unknown>, contract: Contract, link: Link) => Answering

export interface CallOptions<M extends MethodDefinition> {
  signal?: AbortSignal
  /** The call fails with IPFA_JOB_DEADLINE after this time, and what it started is cancelled. */
  deadlineMs?: number
  /** 0 (background) … 9 (someone waits and watches); default 5. */
  priority?: number
  trace?: string
  /** Idempotency key. */
  key?: string
  /** Gets the events one at a time, in order; the call settles after the last was taken in. Without it none is sent. */
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
  /**
   * Sends an event; resolves when it has left, which waits for the caller to have room (at once for `latest`, and where the caller doesn't
   * listen). Need not be awaited: a call completes after its events.
   */
  emit(event: EventOf<M>): Promise<void>
  /** Buffers of the result that may be moved instead of copied. */
  transfer(buffers: Transferable[]): void
  /** `undo` is called where the caller gave up before it had the result, even if that was on its way: what it would have named is nobody's. */
  undo(undo: () => void): void
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
  /** Handlers the other side may have running at once; default 1024. */
  maxCalls?: number
  /** A side that lets more than this pile up unread is cut off, bytes; default 1 GiB. */
  maxPendingBytes?: number
  versions?: [oldest: number, newest: number]
}
