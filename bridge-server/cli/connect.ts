import { WebSocket } from "ws"
import { askBridge, trust } from "../../native-host/ask.ts"
import {
  type Ask,
  bridgeProves,
  deserialiseError,
  fail,
  Peer,
  SUBPROTOCOL,
  type WebSocketLike,
  webSocketPort,
} from "../../protocol/index.ts"
import { findBridge } from "../data-folder.ts"

export interface BridgeClient {
  readonly http: string
  readonly tokenFile: string
  readonly peer: Peer
  /** One JSON request to the bridge; rejects with the error it answers with. */
  request(method: string, path: string, body?: unknown): Promise<unknown>
  close(): void
}

/** Connects to the bridge that runs on `dataDir`. Throws IPFA_BRIDGE_UNREACHABLE. */
export async function connect(dataDir: string): Promise<BridgeClient> {
  const { http, ws, tokenFile, token, cert } = findBridge(dataDir)
  const ask = askBridge(cert)
  await prove(http, token, ask)
  const socket = new WebSocket(`${ws}/client`, SUBPROTOCOL, {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    maxPayload: 2 ** 31 - 1,
    // A mask of zeros: masking guards proxies against what a page may send, and costs a pass over every tensor.
    generateMask: () => {},
    ...(cert !== undefined && trust(cert)),
  } as WebSocket.ClientOptions)
  // Before the socket is open: the bridge speaks first, and at once.
  const peer = new Peer(webSocketPort(socket as unknown as WebSocketLike), { role: "cli" })
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve)
    socket.once("error", (cause) => reject(unreachable(http, cause)))
  })
  return {
    http,
    tokenFile,
    peer,
    close: () => peer.close(),
    async request(method, path, body) {
      const response = await ask(`${http}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { "content-type": "application/json" }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }).catch((cause) => {
        throw unreachable(http, cause)
      })
      const answer = (await response.json()) as { error?: { code: string; message: string } }
      if (answer.error) throw deserialiseError(answer.error)
      return answer
    },
  }
}

/** That it is our bridge that listens there, before it is sent the token (S6). */
async function prove(http: string, token: string, ask: Ask): Promise<void> {
  if (!(await bridgeProves(http, token, { signal: AbortSignal.timeout(5000), ask })))
    throw fail("IPFA_BRIDGE_UNREACHABLE", {
      message: `Something else than this bridge-server listens at ${http}. It was told nothing.`,
      data: { http },
    })
}

function unreachable(http: string, cause: unknown): Error {
  return fail("IPFA_BRIDGE_UNREACHABLE", { data: { http }, cause })
}
