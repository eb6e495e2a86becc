import * as v from "valibot"
import { type WireError, wireErrorSchema } from "./errors/index.ts"

/**
 * What travels between two peers. Either side may call the other; `id` is the caller's number for the call, and every call ends in exactly
 * one of `complete`, `error`, `cancelled`, sent by the side that was called.
 */
export type Message =
  | { kind: "hello"; versions: [oldest: number, newest: number]; role: string; software: string }
  | {
      kind: "call"
      id: number
      method: string
      params: unknown
      /** Time left, ms, when it was sent: no clock is shared. */
      deadlineMs?: number
      /** 0 (background) … 9 (someone waits and watches); 5 where absent. */
      priority?: number
      trace?: string
      /** Idempotency key: the same key from the same caller is the same job. */
      key?: string
      /** Events the caller takes before it grants more. */
      credit?: number
    }
  | { kind: "event"; id: number; seq: number; value: unknown }
  | { kind: "complete"; id: number; value: unknown }
  | { kind: "error"; id: number; error: WireError }
  | { kind: "cancelled"; id: number }
  | { kind: "cancel"; id: number }
  | { kind: "credit"; id: number; events: number }

export type MessageOf<K extends Message["kind"]> = Extract<Message, { kind: K }>

const id = v.pipe(v.number(), v.safeInteger(), v.minValue(1))
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const short = v.pipe(v.string(), v.maxLength(128))

/** Checks a received message's envelope; what it carries is checked against the method's own schemas. Unknown fields of a newer peer are dropped. */
export const messageSchema: v.GenericSchema<unknown, Message> = v.variant("kind", [
  v.object({ kind: v.literal("hello"), versions: v.tuple([count, count]), role: short, software: short }),
  v.object({
    kind: v.literal("call"),
    id,
    method: short,
    params: v.unknown(),
    deadlineMs: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(2 ** 31 - 1))),
    priority: v.optional(v.pipe(count, v.maxValue(9))),
    trace: v.optional(short),
    key: v.optional(short),
    credit: v.optional(v.pipe(count, v.maxValue(1024))),
  }),
  v.object({ kind: v.literal("event"), id, seq: count, value: v.unknown() }),
  v.object({ kind: v.literal("complete"), id, value: v.unknown() }),
  v.object({ kind: v.literal("error"), id, error: wireErrorSchema }),
  v.object({ kind: v.literal("cancelled"), id }),
  v.object({ kind: v.literal("cancel"), id }),
  v.object({ kind: v.literal("credit"), id, events: v.pipe(count, v.maxValue(1024)) }),
])
