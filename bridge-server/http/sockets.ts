import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import websocket from "@fastify/websocket"
import type { FastifyInstance, FastifyRequest } from "fastify"
import type { WebSocket } from "ws"
import {
  fail,
  type Handlers,
  MAX_SOCKET_BYTES,
  Peer,
  SHARED_MEMORY_HEADER,
  type Shelf,
  SUBPROTOCOL,
  type WebSocketLike,
  webSocketPort,
} from "../../protocol/index.ts"
import type { SharedFolder } from "../../protocol/transports/shared-folder.ts"
import { isLoopback } from "../access/addresses.ts"
import { admit, agentConnection } from "../fleet/agents.ts"
import { authorise, type BridgeCaller } from "../fleet/caller.ts"
import { overview } from "../fleet/overview.ts"
import type { AppParts } from "./app.ts"
import { callerOf } from "./route.ts"

/** Time to answer a goodbye. */
const GOODBYE_MS = 500
/** Whoever has no token yet has nothing large to say, and not for long. */
const MAX_UNPAIRED_BYTES = 64 * 2 ** 10
const MAX_UNPAIRED_MS = 60_000

/** `/client` for callers, `/agent` for those who compute. Host, Origin and token were checked before the upgrade. */
export async function sockets(
  app: FastifyInstance,
  { router, agents, holds, pairing, guard, memory }: AppParts,
): Promise<void> {
  const looks = overview({ ...router.parts, pairing, addresses: () => [...guard.addresses] })
  const connections = new Map<Peer<BridgeCaller>, BridgeCaller>()
  agents.tokens.onRevoked((agent) => {
    const reason = fail("IPFA_BRIDGE_TOKEN", { message: "This agent's token was taken back." })
    for (const [peer, caller] of connections) if (caller.agent === agent) peer.close(reason)
  })
  await app.register(websocket, {
    options: {
      maxPayload: MAX_SOCKET_BYTES,
      // Tensors hardly compress, and each connection's window would take memory.
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    },
    errorHandler: (error, socket) => {
      agents.log.debug({ err: error }, "socket failed")
      socket.terminate()
    },
    preClose(done) {
      for (const peer of connections.keys())
        peer.close(fail("IPFA_PROTOCOL_CLOSED", { message: "The bridge-server is stopping." }))
      // Whoever does not answer the goodbye (a laptop that sleeps) is not waited for.
      const { clients } = app.websocketServer
      const timer = setTimeout(() => {
        for (const socket of clients) socket.terminate()
      }, GOODBYE_MS)
      app.server.once("close", () => clearTimeout(timer))
      done()
    },
  })
  const folders = new WeakMap<IncomingMessage, SharedFolder>()
  /** Large arrays of a program of this user and machine need not go through the socket. */
  const offerMemory = async (request: FastifyRequest) => {
    const { raw, ip, headers, caller } = request
    if (headers[SHARED_MEMORY_HEADER] !== String(process.getuid?.())) return
    const folder = caller?.role === "owner" && isLoopback(ip) ? memory?.folder(false) : undefined
    if (!folder) return
    folders.set(raw, folder)
    raw.socket.once("close", () => folder.remove())
  }
  app.websocketServer.on("headers", (headers, request) => {
    const folder = folders.get(request)
    if (folder) headers.push(`${SHARED_MEMORY_HEADER}: ${folder.dir}`)
  })
  const serve = (socket: WebSocket, caller: BridgeCaller, handlers: Handlers<BridgeCaller>, shelf?: Shelf) => {
    const options = { maxBytes: MAX_SOCKET_BYTES, shelf: () => shelf }
    const port = webSocketPort(socket as unknown as WebSocketLike, options)
    const peer = new Peer<BridgeCaller>(port, { role: "bridge", caller, authorise, handlers })
    connections.set(peer, caller)
    void peer.closed.then(() => connections.delete(peer))
    return peer
  }
  const forNativeHosts: Handlers<BridgeCaller> = {
    "agent.admit": ({ agent, origin, label }) => ({ token: admit(agents, agent, "agent", { origin, label }) }),
    "bridge.hold": (_, { signal }) => holds.hold(signal),
  }

  app.get("/client", { websocket: true, preHandler: offerMemory }, (socket, request) => {
    const { handlers, end } = router.connection()
    const all = { ...handlers, ...looks, ...forNativeHosts }
    void serve(socket, callerOf(request), all, folders.get(request.raw)).closed.then(end)
  })
  app.get("/agent", { websocket: true }, (socket, request) => {
    if (callerOf(request).role === "unpaired") confine(socket, request.raw.socket)
    const peer: Peer<BridgeCaller> = serve(
      socket,
      callerOf(request),
      agentConnection(agents, () => peer),
    )
  })
}

/** Counted as the bytes come in: `ws` would gather a whole message of MAX_SOCKET_BYTES before anyone could refuse it. */
function confine(socket: WebSocket, connection: Socket): void {
  let bytes = 0
  connection.on("data", (piece: Buffer) => {
    bytes += piece.byteLength
    if (bytes > MAX_UNPAIRED_BYTES) socket.terminate()
  })
  const timer = setTimeout(() => socket.terminate(), MAX_UNPAIRED_MS)
  socket.once("close", () => clearTimeout(timer))
}
