import {
  asAccelerateError,
  fail,
  Peer,
  type PeerOptions,
  type WebSocketLike,
  webSocketPort,
} from "../../protocol/index.ts"
import type { Caller } from "../caller.ts"
import type { BridgePairing } from "./settings.ts"

/** The bridge takes no larger message (bridge-server/http/sockets.ts). */
const MAX_MESSAGE_BYTES = 512 * 2 ** 20
const SUBPROTOCOL = "ipfa.v1"
const TOKEN_SUBPROTOCOL = "ipfa.token."
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

/** Trades a pairing code for a token of this agent's own. */
export async function redeemCode(
  url: string,
  request: { code: string; agent: string; label: string },
  signal: AbortSignal,
): Promise<string> {
  const peer = await open(url, [SUBPROTOCOL], { role: "agent" })
  try {
    return (await peer.call("agent.pair", request, { signal, deadlineMs: DIAL_MS })).token
  } finally {
    peer.close()
  }
}

/** A connection to the bridge as an agent of its fleet, after the bridge has shown that it is the one that gave the token. */
export async function dialBridge(
  { url, token }: BridgePairing,
  agent: string,
  serving: Required<Pick<PeerOptions<Caller>, "caller" | "handlers" | "authorise">>,
): Promise<Peer<Caller>> {
  await demandProof(url, token, agent)
  return open<Caller>(url, [SUBPROTOCOL, TOKEN_SUBPROTOCOL + token], {
    role: "agent",
    ...serving,
  })
}

async function open<C>(url: string, protocols: string[], options: PeerOptions<C>): Promise<Peer<C>> {
  const socket = new WebSocket(url, protocols)
  const peer = new Peer<C>(webSocketPort(socket as unknown as WebSocketLike, { maxBytes: MAX_MESSAGE_BYTES }), options)
  const timer = setTimeout(() => peer.close(fail("IPFA_BRIDGE_UNREACHABLE")), DIAL_MS)
  const ready = await peer.ready
  clearTimeout(timer)
  if (ready) return peer
  const reason = await peer.closed
  throw fail("IPFA_BRIDGE_UNREACHABLE", { cause: reason })
}

/**
 * Asks for an HMAC over a nonce of ours and the address we called, under a key that only the bridge and this agent know: what listens on the
 * port may be someone else, and learns nothing from this.
 */
async function demandProof(url: string, token: string, agent: string): Promise<void> {
  const { host, protocol } = new URL(url)
  const nonce = hex(crypto.getRandomValues(new Uint8Array(16)))
  const query = new URLSearchParams({ nonce, agent })
  let proof: unknown
  try {
    const response = await fetch(`${protocol === "wss:" ? "https" : "http"}://${host}/v1/proof?${query}`, {
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(DIAL_MS),
    })
    proof = ((await response.json()) as { proof?: unknown }).proof
  } catch (cause) {
    throw fail("IPFA_BRIDGE_UNREACHABLE", { cause })
  }
  const text = new TextEncoder()
  const secret = await crypto.subtle.digest("SHA-256", text.encode(token))
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["verify"])
  const message = text.encode(`ipfa-bridge-proof\n${nonce}\n${host}`)
  const holds = typeof proof === "string" && (await crypto.subtle.verify("HMAC", key, fromHex(proof), message))
  if (!holds)
    throw fail("IPFA_BRIDGE_TOKEN", {
      message: `What listens at ${host} does not know this browser: it is another program, or the pairing was taken back. Pair again.`,
    })
}

/** Why a connection could not be had or ended, in words for a person. */
export function bridgeReason(error: unknown): string {
  return asAccelerateError(error, "IPFA_BRIDGE_UNREACHABLE").message
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")
}

function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], (pair) => Number.parseInt(pair, 16))
}
