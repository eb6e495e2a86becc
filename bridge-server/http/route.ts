import { toJsonSchema } from "@valibot/to-json-schema"
import type { FastifyReply, FastifyRequest } from "fastify"
import type * as v from "valibot"
import { fail } from "../../protocol/index.ts"
import type { BridgeCaller } from "../fleet/caller.ts"

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks, as the guard found; undefined for what is open to all. */
    caller: BridgeCaller | undefined
  }
}

export function callerOf(request: FastifyRequest): BridgeCaller {
  if (!request.caller) throw fail("IPFA_BRIDGE_TOKEN")
  return request.caller
}

/** Aborts when the client goes away before it has its answer. */
export function untilClosed({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController()
  const onClose = () => {
    if (!raw.writableEnded)
      controller.abort(fail("IPFA_PROTOCOL_CLOSED", { message: "The client closed the connection." }))
  }
  if (raw.destroyed) onClose()
  else raw.once("close", onClose)
  return controller.signal
}

/** A valibot schema as OpenAPI shows it. */
export function shown(schema: v.GenericSchema): object {
  const { $schema: _, ...rest } = toJsonSchema(schema as never, {
    typeMode: "output",
    errorMode: "ignore",
    target: "draft-2020-12",
  })
  return rest
}

const code = { type: "string", description: "IPFA_…" } as const
const data = { type: "object", additionalProperties: true } as const

const failures = (properties: Record<string, object>, required: readonly string[]) => ({
  "4xx": { description: "The request can't be served as it stands.", type: "object", properties, required },
  "5xx": {
    description: "It could not be served; Retry-After where it may be later.",
    type: "object",
    properties,
    required,
  },
})

/** The failures that every route of ours can answer with. */
export const errorAnswers = failures(
  {
    error: {
      type: "object",
      properties: { code, message: { type: "string" }, data },
      required: ["code", "message", "data"],
    },
  },
  ["error"],
)
/** Those of KServe's routes: its clients take `error` for a string. */
export const kserveErrors = failures({ error: { type: "string" }, code, data }, ["error", "code", "data"])
