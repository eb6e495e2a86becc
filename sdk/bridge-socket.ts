import path from "node:path"
import { SHARED_MEMORY_HEADER, SUBPROTOCOL, TOKEN_SUBPROTOCOL } from "../protocol/bridge-door.ts"
import { fail } from "../protocol/errors/error.ts"
import type { Shelf } from "../protocol/framing.ts"
import { Peer } from "../protocol/peer.ts"
import type { Port } from "../protocol/port.ts"
import { SHARED_MEMORY, SharedFolder } from "../protocol/transports/shared-folder.ts"
import { type WebSocketLike, webSocketPort } from "../protocol/transports/web-socket.ts"
import type { FoundBridge } from "./bridge-address.ts"

/** A connected peer at a bridge-server whose proof was seen. Throws IPFA_BRIDGE_UNREACHABLE, IPFA_BRIDGE_TOKEN, IPFA_PROTOCOL_VERSION. */
export async function dial({ ws, token, cert }: FoundBridge, signal: AbortSignal): Promise<Peer> {
  const peer = new Peer(await openPort(`${ws}/client`, token, cert), { role: "node" })
  const giveUp = () => peer.close(fail("IPFA_BRIDGE_UNREACHABLE", { data: { url: ws } }))
  signal.addEventListener("abort", giveUp, { once: true })
  const ready = await peer.ready
  signal.removeEventListener("abort", giveUp)
  if (ready) return peer
  const reason = await peer.closed
  throw reason && reason.code !== "IPFA_PROTOCOL_CLOSED"
    ? reason
    : fail("IPFA_BRIDGE_UNREACHABLE", { data: { url: ws } })
}

const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1\])$/
/** This user; only Linux has the memory that users' processes share by name. */
const uid = process.platform === "linux" ? process.getuid?.() : undefined

/** With `ws` where it is installed: it sends large arrays without copying them. Else the platform's own, which can't set headers. */
async function openPort(url: string, token: string, cert: string | undefined): Promise<Port> {
  const ws = await import("ws").catch(() => undefined)
  if (ws) {
    const asks = uid !== undefined && LOOPBACK.test(new URL(url).hostname)
    const socket = new ws.WebSocket(url, SUBPROTOCOL, {
      headers: { authorization: `Bearer ${token}`, ...(asks && { [SHARED_MEMORY_HEADER]: uid }) },
      perMessageDeflate: false,
      maxPayload: 2 ** 31 - 1,
      // A mask of zeros: masking guards proxies against what a page may send, and costs a pass over every tensor.
      generateMask: () => {},
      ...(cert !== undefined && (await import("../native-host/ask.ts")).trust(cert)),
    } as ConstructorParameters<typeof ws.WebSocket>[2])
    let shelf: Shelf | undefined
    socket.once("upgrade", ({ headers }) => {
      const dir = headers[SHARED_MEMORY_HEADER]
      // Of what the other end names only what can be this: it reads and writes there.
      const isOurs = typeof dir === "string" && path.resolve(dir) === dir && dir.startsWith(`${SHARED_MEMORY}${uid}-`)
      if (asks && isOurs) shelf = SharedFolder.join(dir)
    })
    return webSocketPort(socket as unknown as WebSocketLike, { shelf: () => shelf })
  }
  if (typeof WebSocket === "undefined")
    throw fail("IPFA_BRIDGE_UNREACHABLE", {
      message: "This Node has no WebSocket of its own (it came with 22). Install the package ws.",
    })
  if (cert !== undefined)
    throw fail("IPFA_BRIDGE_UNREACHABLE", {
      message: "Node's own WebSocket can't be told to take the bridge-server's certificate. Install the package ws.",
    })
  return webSocketPort(new WebSocket(url, [SUBPROTOCOL, `${TOKEN_SUBPROTOCOL}${token}`]) as WebSocketLike)
}
