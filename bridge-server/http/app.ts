import Fastify, { type FastifyInstance } from "fastify"
import * as v from "valibot"
import { fail } from "../../protocol/index.ts"
import type { AgentParts } from "../fleet/agents.ts"
import type { Holds } from "../fleet/holds.ts"
import type { SharedMemory } from "../shared-memory.ts"
import { docs } from "./docs.ts"
import { answerErrors } from "./errors.ts"
import { kserve } from "./kserve/routes.ts"
import type { Metrics } from "./metrics.ts"
import { dashboard, servePage, workerPage } from "./pages.ts"
import { portHolder } from "./port-holder.ts"
import { shown } from "./route.ts"
import { sockets } from "./sockets.ts"
import { type V1Parts, v1 } from "./v1.ts"

export interface AppParts extends V1Parts {
  agents: AgentParts
  holds: Holds
  metrics: Metrics
  memory: SharedMemory | undefined
  tls?: { cert: string | Buffer; key: string | Buffer }
  timeouts?: Partial<HttpTimeouts>
}

/** How long a client is waited for, ms. */
export interface HttpTimeouts {
  /** For a request's headers, once it is connected. Default 10 s. */
  headersMs: number
  /** For a whole request: a body may be large and its network slow. Default 10 minutes. */
  requestMs: number
  /** For the next request, before an idle connection is closed. Default 1 minute. */
  idleMs: number
}

const MAX_JSON_BYTES = 1024 * 1024

/** The HTTP side: the guard first, then routes. */
export async function createApp(parts: AppParts): Promise<FastifyInstance> {
  const { agents, router, guard, metrics, tls } = parts
  const { headersMs = 10_000, requestMs = 10 * 60_000, idleMs = 60_000 } = parts.timeouts ?? {}
  const looks = { connectionsCheckingInterval: headersMs / 4 }
  const app = Fastify({
    logger: false,
    bodyLimit: MAX_JSON_BYTES,
    // A reference in a path, URL-encoded.
    routerOptions: { maxParamLength: 8192 },
    // Idle keep-alive connections don't hold up the end.
    forceCloseConnections: true,
    connectionTimeout: 0,
    keepAliveTimeout: idleMs,
    requestTimeout: requestMs,
    ...(tls ? { https: { ...tls, ...looks } } : { http: looks }),
  }) as unknown as FastifyInstance
  app.server.headersTimeout = headersMs

  app.decorateRequest("caller", undefined)
  app.addHook("onRequest", async (request, reply) => {
    reply.headers({
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "x-frame-options": "DENY",
      "cache-control": "no-store",
      "cross-origin-resource-policy": "same-origin",
    })
    try {
      request.caller = guard.admit({
        route: request.routeOptions.url,
        headers: request.headers,
        remoteAddress: request.ip,
        upgrade: request.headers.upgrade !== undefined,
      })
    } catch (error) {
      // Whoever is refused is not listened to any longer, whatever it has still to say.
      reply.header("connection", "close")
      throw error
    }
  })
  app.addHook("onResponse", async ({ method, routeOptions }, { statusCode, elapsedTime }) =>
    agents.log.debug({ method, route: routeOptions.url, status: statusCode, ms: elapsedTime }, "request"),
  )
  // A refused upgrade leaves a socket that no longer is the HTTP server's: nobody else would ever close it.
  app.addHook("onResponse", async ({ raw, headers }) => {
    if (headers.upgrade !== undefined) raw.socket.destroySoon()
  })
  app.setErrorHandler(answerErrors(agents.log))
  app.setNotFoundHandler((request) => {
    throw Object.assign(new Error(`There is no ${request.method} ${request.url.split("?")[0]}.`), { statusCode: 404 })
  })
  // Bodies are checked by the schemas that also serve the protocol; those of the routes are for /docs.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.removeContentTypeParser("text/plain")

  await docs(app)
  app.get(
    "/healthz",
    {
      schema: {
        tags: ["bridge"],
        summary: "It runs.",
        security: [],
        response: { 200: { description: "It runs.", ...shown(v.object({ ok: v.literal(true) })) } },
      },
    },
    async () => ({ ok: true }),
  )
  for (const page of [workerPage, dashboard]) servePage(app, page, tls !== undefined)
  metrics.serve(app)
  kserve(app, router)
  v1(app, parts)
  await sockets(app, parts)
  return app
}

/** Listens, with the errors a person can do something about in words. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === "EACCES")
      throw fail("IPFA_BRIDGE_PORT", {
        message: `Port ${port} needs rights this user has not got. Choose one above 1023 with --port.`,
        data: { host, port },
        cause,
      })
    if (code === "EADDRINUSE") {
      const holder = await portHolder(port)
      const by = holder ? ` by ${holder.name} (process ${holder.pid})` : ""
      throw fail("IPFA_BRIDGE_PORT", {
        message: `Port ${port} on ${host} is in use${by}. Choose another with --port, or end ${holder ? "that process" : "what uses it"}.`,
        data: { host, port, ...(holder && { holder }) },
        cause,
      })
    }
    throw cause
  }
  const address = app.server.address()
  return typeof address === "object" && address ? address.port : port
}
