import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export interface Resource {
  bytes: Uint8Array
  etag?: string
  lastModified?: string
  /** Ranges are answered; default true. */
  ranges?: boolean
  /** If-Range is heeded; default true. */
  conditions?: boolean
  /** Sent in chunks, without a length. */
  chunked?: boolean
  /** The connection is cut after so many bytes of a body, for the next so many answers, once `when` says so for the offset reached. */
  cut?: { after: number; times: number; when?: (offset: number) => Promise<void> }
  /** Bytes after `after` wait for it. */
  gate?: { after: number; opened: Promise<void> }
  headers?: Record<string, string>
}

export interface Request {
  method: string
  path: string
  headers: IncomingMessage["headers"]
}

export interface ModelServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  readonly requests: Request[]
  serve(path: string, resource: Resource): string
  /** Answers by hand. */
  answer(path: string, handler: (request: IncomingMessage, response: ServerResponse) => void): string
  close(): Promise<void>
}

/** A real server on loopback that gives models, cut off, slow, changed or whole. */
export async function modelServer(host = "127.0.0.1"): Promise<ModelServer> {
  const requests: Request[] = []
  const handlers = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>()
  const server = createServer((request, response) => {
    const path = request.url ?? ""
    requests.push({ method: request.method ?? "", path, headers: request.headers })
    const handler = handlers.get(path)
    if (handler) handler(request, response)
    else response.writeHead(404, cors).end()
  })
  await new Promise<void>((listening) => server.listen(0, host, listening))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    requests,
    serve(path, resource) {
      handlers.set(path, (request, response) => void send(resource, request, response))
      return url + path
    },
    answer(path, handler) {
      handlers.set(path, handler)
      return url + path
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}

const cors = { "access-control-allow-origin": "*" }

async function send(resource: Resource, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { bytes, etag, lastModified, ranges = true, conditions = true, chunked, cut, gate } = resource
  const headers: Record<string, string | number> = { ...cors, ...resource.headers }
  if (etag) headers.etag = etag
  if (lastModified) headers["last-modified"] = lastModified
  const condition = request.headers["if-range"]
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")
  const holds = !conditions || condition === undefined || condition === etag || condition === lastModified
  const from = ranges && range && holds ? Number(range[1]) : 0
  const status = from > 0 ? 206 : 200
  if (from > 0) headers["content-range"] = `bytes ${from}-${bytes.byteLength - 1}/${bytes.byteLength}`
  if (!chunked) headers["content-length"] = bytes.byteLength - from
  response.writeHead(status, headers)
  if (request.method === "HEAD") return void response.end()
  const stop = cut && cut.times-- > 0 ? Math.min(bytes.byteLength, from + cut.after) : bytes.byteLength
  if (gate && gate.after > from) {
    response.write(bytes.subarray(from, Math.min(gate.after, stop)))
    await gate.opened
  }
  const rest = bytes.subarray(Math.max(from, gate?.after ?? 0), stop)
  if (stop === bytes.byteLength) return void response.end(rest)
  response.write(rest)
  await cut?.when?.(stop)
  response.destroy()
}
