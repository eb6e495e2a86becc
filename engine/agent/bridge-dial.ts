import {
  asAccelerateError,
  type BridgeState,
  bridgeProves,
  type CodeUse,
  fail,
  MAX_SOCKET_BYTES,
  Peer,
  type PeerOptions,
  SUBPROTOCOL,
  TOKEN_SUBPROTOCOL,
  type WebSocketLike,
  webSocketPort,
} from "../../protocol/index.ts"
import type { BridgePairing } from "./settings.ts"

/** A bridge that is there answers far sooner, ms. */
const DIAL_MS = 10_000

/** The agents' address of the bridge that a person names as `HOST:PORT`, or with a scheme. Throws IPFA_INPUT_INVALID. */
export function bridgeUrl(typed: string): string {
  const text = typed.trim()
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`
  const secure = /^(https|wss):/i.test(withScheme)
  const http = withScheme.replace(/^wss?:/i, secure ? "https:" : "http:")
  // Chromium parses a host with spaces in it.
  if (/\s/.test(text) || !URL.canParse(http) || !/^https?:$/.test(new URL(http).protocol))
    throw fail("IPFA_INPUT_INVALID", {
      message: "That is no address of a bridge-server. It looks like 127.0.0.1:8790.",
      data: { path: "url", expected: "HOST:PORT" },
    })
  return `${secure ? "wss" : "ws"}://${new URL(http).host}/agent`
}

/** Trades a one-time code for a token of this agent's own, or of a dashboard's. */
export async function redeemCode(
  url: string,
  request: { code: string; agent: string; label: string; as?: CodeUse },
  signal: AbortSignal,
): Promise<string> {
  const peer = await openPeer(new WebSocket(url, SUBPROTOCOL), { role: "agent" })
  try {
    return (await peer.call("agent.pair", request, { signal, deadlineMs: DIAL_MS })).token
  } finally {
    peer.close()
  }
}

/**
 * A connection to the bridge, after it has shown that it is the one that gave the token: to `agent`, or (undefined) the bridge's own, which is
 * its owner's.
 */
export async function dialBridge<C>(
  { url, token }: BridgePairing,
  agent: string | undefined,
  options: PeerOptions<C>,
): Promise<Peer<C>> {
  await demandProof(url, token, agent)
  return openPeer(new WebSocket(url, [SUBPROTOCOL, TOKEN_SUBPROTOCOL + token]), options)
}

/** The bridge at the other end of `socket`, once it has said hello. Throws IPFA_BRIDGE_UNREACHABLE, or why one of the two ended it: IPFA_PROTOCOL_VERSION, … */
export async function openPeer<C>(socket: WebSocket | WebSocketLike, options: PeerOptions<C>): Promise<Peer<C>> {
  const peer = new Peer<C>(webSocketPort(socket as WebSocketLike, { maxBytes: MAX_SOCKET_BYTES }), options)
  const timer = setTimeout(() => peer.close(fail("IPFA_BRIDGE_UNREACHABLE")), DIAL_MS)
  const ready = await peer.ready
  clearTimeout(timer)
  if (ready) return peer
  const reason = await peer.closed
  throw reason && reason.code !== "IPFA_PROTOCOL_CLOSED" ? reason : fail("IPFA_BRIDGE_UNREACHABLE", { cause: reason })
}

/** That what listens there is the bridge that gave the token: it may be someone else, and learns nothing from this. */
async function demandProof(url: string, token: string, agent: string | undefined): Promise<void> {
  const { host, protocol } = new URL(url)
  const http = `${protocol === "wss:" ? "https" : "http"}://${host}`
  const signal = AbortSignal.timeout(DIAL_MS)
  if (!(await bridgeProves(http, token, { signal, ...(agent !== undefined && { agent }) })))
    throw fail("IPFA_BRIDGE_TOKEN", {
      message:
        agent === undefined
          ? `That is not the token of the bridge-server at ${host}.`
          : `What listens at ${host} does not know this browser: it is another program, or the pairing was taken back. Pair again.`,
    })
}

export type BridgeFault = NonNullable<BridgeState["fault"]>

/** Why a connection could not be had or ended; undefined: the other side was gone without a word. */
export function bridgeFault(error: unknown = fail("IPFA_PROTOCOL_CLOSED")): BridgeFault {
  const { code, message } = asAccelerateError(error, "IPFA_BRIDGE_UNREACHABLE")
  return { code, message }
}
