import { createReadStream, existsSync, globSync, readFileSync, statSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import type { FastifyInstance, FastifyReply } from "fastify"
import { files } from "../files.ts"

const types: Record<string, string> = {
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".wasm": "application/wasm",
}

interface BuiltPage {
  /** Its path, `/NAME`; its files are below. */
  name: string
  /** What the build made. */
  folder: URL
  /** What its scripts may do beyond being loaded from here; `file` is undefined for the shell. */
  scripts?(file: string | undefined): string
}

/** The page that computes. */
export const workerPage: BuiltPage = {
  name: "worker",
  folder: files.workerPage,
  // A worker has the policy of its own script: onnxruntime-web makes functions from strings for WebNN (Emscripten's glue for JavaScript
  // objects), and the worker that hosts it, which has no document, may as the only one.
  scripts: (file) => `'wasm-unsafe-eval'${file?.startsWith("webnn-worker-") ? " 'unsafe-eval'" : ""}`,
}

/** The page that shows. */
export const dashboard: BuiltPage = { name: "dashboard", folder: files.dashboard }

/**
 * A page of the bridge's own: an open shell that carries no data, and its files below, whose names have their content's hash. Only what the
 * build left in its folder is served, by a list made at the start. Isolated from other origins, so that WebAssembly has threads.
 */
export function servePage(app: FastifyInstance, { name: page, folder, scripts }: BuiltPage, tls: boolean): void {
  const root = fileURLToPath(folder)
  const shell = path.join(root, "index.html")
  const known = new Set(globSync("**/*.{js,mjs,css,wasm}", { cwd: root }).map((name) => name.split(path.sep).join("/")))
  const isolate = (reply: FastifyReply, host: string, file?: string) =>
    reply.headers({
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
      "content-security-policy": policy(`${tls ? "wss" : "ws"}://${host}`, scripts?.(file)),
      "permissions-policy": "camera=(), microphone=(), geolocation=()",
    })

  // The guard has found the Host header on its list of this bridge's own.
  app.get(`/${page}`, { schema: { hide: true } }, async (request, reply) => {
    if (!existsSync(shell))
      throw Object.assign(new Error(`The page /${page} is not built: run npm run build.`), { statusCode: 404 })
    isolate(reply, request.headers.host ?? "")
    return reply.type("text/html; charset=utf-8").send(readFileSync(shell))
  })
  app.get<{ Params: { "*": string } }>(`/${page}/*`, { schema: { hide: true } }, async (request, reply) => {
    const name = request.params["*"]
    if (!known.has(name)) return reply.callNotFound()
    const file = path.join(root, name)
    isolate(reply, request.headers.host ?? "", name).headers({
      "cache-control": "public, max-age=31536000, immutable",
      "content-length": statSync(file).size,
    })
    return reply.type(types[path.extname(name)] as string).send(createReadStream(file))
  })
}

/** The policy of one response. Safari did not take `'self'` for WebSockets before 15.4, so the bridge's own is named. */
function policy(socket: string, scripts: string | undefined): string {
  return [
    "default-src 'none'",
    `script-src 'self'${scripts ? ` ${scripts}` : ""}`,
    "worker-src 'self'",
    "style-src 'self'",
    "img-src data:",
    `connect-src 'self' ${socket}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ")
}
