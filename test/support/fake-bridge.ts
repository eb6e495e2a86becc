import { createHash, createHmac } from "node:crypto"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { WebSocketServer } from "ws"
import { type Handlers, Peer, type PeerOptions, type WebSocketLike, webSocketPort } from "../../protocol/index.ts"

/** What a browser takes for the bridge-server it was paired with, doing what a test wants. */
export async function fakeBridge(
  token: string,
  handlers: Handlers<undefined>,
  options: Pick<PeerOptions<undefined>, "versions"> = {},
) {
  const server = createServer((request, response) => {
    const nonce = new URL(request.url!, "http://bridge").searchParams.get("nonce")
    const key = createHash("sha256").update(token).digest()
    const proof = createHmac("sha256", key).update(`ipfa-bridge-proof\n${nonce}\n${request.headers.host}`)
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify({ proof: proof.digest("hex") }))
  })
  const sockets = new WebSocketServer({ server, handleProtocols: () => "ipfa.v1" })
  const peers: Peer[] = []
  sockets.on("connection", (socket) => {
    const port = webSocketPort(socket as unknown as WebSocketLike)
    peers.push(new Peer(port, { ...options, role: "bridge", handlers, caller: undefined }))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/agent`,
    /** To the agents, as they came. */
    peers,
    async close() {
      for (const peer of peers) peer.close()
      for (const socket of sockets.clients) socket.terminate()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
