import { createReadStream } from "node:fs"
import { stat } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { extname, join, resolve, sep } from "node:path"

export interface ServeOptions {
  /** Send COOP and COEP, which make pages cross-origin isolated: SharedArrayBuffer and WASM threads. */
  isolated?: boolean
  /** Further folders by URL prefix, such as `{ "/ort/": "node_modules/onnxruntime-web/dist" }`. */
  mounts?: Record<string, string>
  /** Sent with every answer. */
  headers?: Record<string, string>
}

export interface Served {
  /** `http://localhost:PORT`, a secure context. */
  readonly url: string
  close(): Promise<void>
}

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".png": "image/png",
  ".bmp": "image/bmp",
  ".jpg": "image/jpeg",
}

/** Serves a folder on loopback, on a port that was free. */
export async function serveFolder(dir: string, options: ServeOptions = {}): Promise<Served> {
  const mounts = Object.entries({ ...options.mounts, "/": dir })
  const headers = {
    ...(options.isolated && {
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    }),
    ...options.headers,
  }
  const fileOf = (path: string): string | undefined => {
    const mount = mounts.find(([prefix]) => path.startsWith(prefix))
    if (!mount) return undefined
    const root = resolve(mount[1])
    const file = join(root, path.slice(mount[0].length) || "index.html")
    return file.startsWith(root + sep) ? file : undefined
  }
  const server = createServer(async (request, response) => {
    const file = fileOf(decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname))
    const found = file === undefined ? undefined : await stat(file).catch(() => undefined)
    if (!file || !found?.isFile()) return response.writeHead(404, headers).end()
    const type = types[extname(file)] ?? "application/octet-stream"
    response.writeHead(200, { ...headers, "Content-Type": type, "Content-Length": found.size })
    if (request.method === "HEAD") return response.end()
    createReadStream(file).pipe(response)
  })
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}
