import type { FastifyError, FastifyReply, FastifyRequest } from "fastify"
import { AccelerateError, asAccelerateError, type ErrorCode, fail, serialiseError } from "../../protocol/index.ts"
import type { Logger } from "../log.ts"

/** Fastify's own refusals as ours; the status stays Fastify's where it is the more precise one. */
const ofFastify: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "IPFA_PROTOCOL_TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "IPFA_INPUT_INVALID",
  FST_ERR_CTP_EMPTY_JSON_BODY: "IPFA_INPUT_INVALID",
  FST_ERR_CTP_INVALID_JSON_BODY: "IPFA_INPUT_INVALID",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "IPFA_INPUT_INVALID",
}

/** KServe's own paths. */
const KSERVE = /^\/v2(?![^/?])/

/** `{ error: { code, message, data } }`, from KServe's paths `{ error: message, code, data }`, with the registry's status, and Retry-After where the same request may do later. */
export function answerErrors(log: Logger): (error: unknown, request: FastifyRequest, reply: FastifyReply) => void {
  return (error, request, reply) => {
    const { error: known, status } = understand(error)
    if (status >= 500) log.warn({ err: known, route: request.routeOptions.url }, "request failed")
    const { code, message, data } = serialiseError(known)
    if (status === 429 || status === 503) reply.header("retry-after", retryAfterSeconds(known))
    if (status === 401) reply.header("www-authenticate", "Bearer")
    void reply
      .code(status)
      .type("application/json")
      .send(KSERVE.test(request.url) ? { error: message, code, data } : { error: { code, message, data } })
  }
}

function understand(error: unknown): { error: AccelerateError; status: number } {
  if (error instanceof AccelerateError) return { error, status: error.entry.status }
  const { code = "", statusCode, message } = error as FastifyError
  const mapped = ofFastify[code]
  if (mapped) return { error: fail(mapped, { message, data: { reason: code } }), status: statusCode ?? 400 }
  // Any other 4xx is Fastify's or a plugin's word on the request.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return { error: fail("IPFA_INPUT_INVALID", { message }), status: statusCode }
  const known = asAccelerateError(error)
  return { error: known, status: known.entry.status }
}

function retryAfterSeconds({ data }: AccelerateError): string {
  const ms = typeof data.retryAfterMs === "number" ? data.retryAfterMs : 1000
  return String(Math.max(1, Math.ceil(ms / 1000)))
}
