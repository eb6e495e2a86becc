import swagger from "@fastify/swagger"
import swaggerUi from "@fastify/swagger-ui"
import type { FastifyInstance } from "fastify"
import { VERSION } from "../version.ts"

/** OpenAPI 3.1 at /docs/json, and Swagger UI at /docs: a static shell that carries no data. */
export async function docs(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "ipfs-accelerate bridge-server",
        version: VERSION,
        description:
          "One address in front of a fleet of browsers and native processes. WebSocket: /client and /agent, see docs/protocol.md.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      components: {
        securitySchemes: {
          token: { type: "http", scheme: "bearer", description: "The content of the file `token` in the data folder." },
        },
      },
      security: [{ token: [] }],
    },
  })
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    staticCSP: true,
    uiConfig: { tryItOutEnabled: true, persistAuthorization: false },
  })
}
