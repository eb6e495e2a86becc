import * as v from "valibot"
import { answerCalls } from "./answering.ts"
import type { MethodDefinition } from "./define-method.ts"
import { messageSchema } from "./envelope.ts"
import { fail } from "./errors/error.ts"
import { methods } from "./methods/index.ts"
import { PeerCore } from "./peer-core.ts"
import type { Contract, PeerOptions } from "./peer-types.ts"
import type { Port } from "./port.ts"
import { check, faultOf } from "./validate.ts"

export type { CallContext, CallOptions, Handler, Handlers, PeerOptions } from "./peer-types.ts"

/** Validates every message, and all that a method takes, answers and streams, against the declarations. */
export function contractOf(declarations: readonly MethodDefinition[]): Contract {
  const byName = new Map(declarations.map((method) => [method.name, method]))
  return {
    message(raw) {
      const parsed = v.safeParse(messageSchema, raw, { abortEarly: true })
      if (parsed.success) return parsed.output
      const [path, expected] = faultOf(parsed.issues[0])
      throw fail("IPFA_PROTOCOL_MALFORMED", { data: { path, expected } })
    },
    method: (name) => byName.get(name),
    check(method, part, value) {
      const schema = method[part]
      if (!schema) throw fail("IPFA_PROTOCOL_MALFORMED", { data: { reason: `${method.name} has no ${part}` } })
      return check(schema, value, part === "params" ? "IPFA_INPUT_INVALID" : "IPFA_PROTOCOL_MALFORMED")
    },
  }
}

const declared = contractOf(methods)

/** One end of a connection: calls the other side's methods and answers its calls. */
export class Peer<C = undefined> extends PeerCore<C> {
  constructor(port: Port, options: PeerOptions<C>) {
    super(port, options, declared, answerCalls)
  }
}
