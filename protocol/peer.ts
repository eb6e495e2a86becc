import * as v from "valibot"
import type { MethodDefinition } from "./define-method.ts"
import { messageSchema } from "./envelope.ts"
import { fail } from "./errors/error.ts"
import { methods } from "./methods/index.ts"
import { PeerCore } from "./peer-core.ts"
import type { Contract, PeerOptions } from "./peer-types.ts"
import type { Port } from "./port.ts"
import { check, faultOf } from "./validate.ts"

export type { CallContext, CallOptions, Handler, Handlers, PeerOptions } from "./peer-types.ts"

const byName = new Map<string, MethodDefinition>(methods.map((m) => [m.name, m]))

/** Validates every message, and all that a method takes, answers and streams, against its declaration. */
const declared: Contract = {
  message(raw) {
    const parsed = v.safeParse(messageSchema, raw, { abortEarly: true })
    if (!parsed.success) {
      const [path, expected] = faultOf(parsed.issues[0])
      throw fail("IPFA_PROTOCOL_MALFORMED", { data: { path, expected } })
    }
    return parsed.output
  },
  method: (name) => byName.get(name),
  check: (method, part, value) =>
    check(
      method[part] as NonNullable<MethodDefinition["event"]>,
      value,
      part === "params" ? "IPFA_INPUT_INVALID" : "IPFA_PROTOCOL_MALFORMED",
    ),
}

/** One end of a connection: calls the other side's methods and answers its calls. */
export class Peer<C = undefined> extends PeerCore<C> {
  constructor(port: Port, options: PeerOptions<C>) {
    super(port, options, declared)
  }
}
