import { fail } from "./errors/error.ts"

/** How one comes in at a bridge-server: its proof first, then the token. */

/** What a WebSocket to a bridge-server is opened with, and answered with, so that the token is not echoed. */
export const SUBPROTOCOL = "ipfa.v1"
/** Begins the subprotocol that carries the token of a client that can't set headers. */
export const TOKEN_SUBPROTOCOL = "ipfa.token."

/** What a bridge-server's proof is an HMAC of; `host` as the client dialled it, so that the proof of the real one on another port does not fit. */
export function proofMessage(nonce: string, host: string): string {
  return `ipfa-bridge-proof\n${nonce}\n${host.toLowerCase()}`
}

/**
 * Whether what listens at `http` (`http://HOST:PORT`) knows `token`, which it is not told: the owner's, or that of `agent`. It shows an
 * HMAC-SHA-256 over `proofMessage`, under the SHA-256 of the token. Throws IPFA_BRIDGE_UNREACHABLE.
 */
export async function bridgeProves(
  http: string,
  token: string,
  { agent, signal }: { agent?: string; signal: AbortSignal },
): Promise<boolean> {
  const nonce = hex(crypto.getRandomValues(new Uint8Array(16)))
  const query = new URLSearchParams({ nonce, ...(agent !== undefined && { agent }) })
  const answer = await fetch(`${http}/v1/proof?${query}`, {
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    signal,
  })
    .then((response) => response.json() as Promise<{ proof?: unknown }>)
    .catch((cause: unknown) => {
      throw fail("IPFA_BRIDGE_UNREACHABLE", { data: { http }, cause })
    })
  const text = new TextEncoder()
  const secret = await crypto.subtle.digest("SHA-256", text.encode(token))
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["verify"])
  const given = typeof answer?.proof === "string" ? fromHex(answer.proof) : new Uint8Array()
  return crypto.subtle.verify("HMAC", key, given, text.encode(proofMessage(nonce, new URL(http).host)))
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")
}

function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], (pair) => Number.parseInt(pair, 16))
}
