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

/** A server on loopback that a browser takes for one on the internet: by name, over TLS, readable by every origin. */
export async function publicHost(name: string, files: Record<string, Uint8Array>): Promise<PublicHost> {
  const requests = new Map<string, number>()
  const server = createServer(certificateFor(name), ({ url = "/", method }, response) => {
    requests.set(url, (requests.get(url) ?? 0) + 1)
    const file = files[url]
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
    args: [`--host-resolver-rules=MAP ${name}:443 127.0.0.1:${port}`, "--ignore-certificate-errors"],
    requests,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}
