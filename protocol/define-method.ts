import type * as v from "valibot"
import type { ErrorCode } from "./errors/index.ts"

/** What a caller must have been granted before it may call a method. `none`: anyone; `tune`: the person, and a bridge-server that the browser was paired with, never a page; `agent`: members of the fleet; `device`: a pool's own workers; `owner`: the person, through the extension's own pages or the CLI; `dashboard`: the same, or a page that the person gave a look at the bridge-server. */
export type GrantNeed = "none" | "infer" | "benchmark" | "tune" | "agent" | "device" | "owner" | "dashboard"

export interface MethodDefinition<
  Name extends string = string,
  Params extends v.GenericSchema = v.GenericSchema,
  Result extends v.GenericSchema = v.GenericSchema,
  Event extends v.GenericSchema = v.GenericSchema,
> {
  /** `area.verb` */
  readonly name: Name
  /** One sentence for docs/protocol.md. */
  readonly title: string
  readonly grant: GrantNeed
  readonly params: Params
  readonly result: Result
  /** What a stream carries before it completes. */
  readonly event?: Event
  /** `all`: every event is delivered, the sender waits for credit. `latest`: an event that finds no credit is replaced by the next (progress). */
  readonly events?: "all" | "latest"
  /** Codes this method can fail with, beyond those any call can (protocol, input, grant, cancel, deadline). */
  readonly errors: readonly ErrorCode[]
}

/** Declares one method; types, validators of both ends and docs/protocol.md come from this. */
export function defineMethod<
  const Name extends string,
  Params extends v.GenericSchema,
  Result extends v.GenericSchema,
  Event extends v.GenericSchema = v.GenericSchema<never>,
>(definition: MethodDefinition<Name, Params, Result, Event>): MethodDefinition<Name, Params, Result, Event> {
  return definition
}

export type ParamsOf<M extends MethodDefinition> = v.InferOutput<M["params"]>
/** What a caller may write: defaults may be left out. */
export type ParamsIn<M extends MethodDefinition> = v.InferInput<M["params"]>
export type ResultOf<M extends MethodDefinition> = v.InferOutput<M["result"]>
export type EventOf<M extends MethodDefinition> = v.InferOutput<NonNullable<M["event"]>>
