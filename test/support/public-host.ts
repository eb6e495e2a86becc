import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import { certificateFor } from "./certificate.ts"

export interface PublicHost {
  /** `https://NAME` */
  readonly url: string
  /** Arguments that make a Chromium find the name here and take its certificate. */
  readonly args: string[]
  /** How often each path was asked for. */
  readonly requests: Map<string, number>
  close(): Promise<void>
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/**
 * A server on loopback that a browser takes for one on the internet: by name, over TLS, readable by every origin where it does not answer
 * by hand. `alsoAt` are further hosts that the browser finds here.
 */
export async function publicHost(
  name: string,
  files: Record<string, Uint8Array | Answer>,
  alsoAt: readonly string[] = [],
): Promise<PublicHost> {
  const requests = new Map<string, number>()
  const server = createServer(certificateFor(name), (request, response) => {
    const { url = "/", method } = request
    requests.set(url, (requests.get(url) ?? 0) + 1)
    const file = files[url]
    if (typeof file === "function") return file(request, response)
    response.writeHead(file ? 200 : 404, {
      "Access-Control-Allow-Origin": "*",
      "Content-Type": url.endsWith("/") ? "text/html" : "application/octet-stream",
      "Content-Length": file?.byteLength ?? 0,
      ETag: '"1"',
    })
    response.end(method === "HEAD" ? undefined : file)
  })
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
  const { port } = server.address() as AddressInfo
  return {
    url: `https://${name}`,
    args: [
      `--host-resolver-rules=${[name, ...alsoAt].map((host) => `MAP ${host}:443 127.0.0.1:${port}`).join(",")}`,
      "--ignore-certificate-errors",
    ],
    requests,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}
