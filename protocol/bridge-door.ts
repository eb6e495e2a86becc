import { hex } from "./bytes.ts"
import { fail } from "./errors/error.ts"

/** How one comes in at a bridge-server: where it is, its proof, then the token. */

/** What a WebSocket to a bridge-server is opened with, and answered with, so that the token is not echoed. */
export const SUBPROTOCOL = "ipfa.v1"
/** Begins the subprotocol that carries the token of a client that can't set headers. */
export const TOKEN_SUBPROTOCOL = "ipfa.token."
/** A Node client says with this header which user it is; a bridge-server of the same user and machine answers with the folder in memory for large arrays. */
export const SHARED_MEMORY_HEADER = "ipfa-shared-memory"

/** The largest message over one WebSocket, bytes: some tensors, or a part of an upload. */
export const MAX_SOCKET_BYTES = 512 * 2 ** 20

/** The content of `bridge.json`, which a bridge-server leaves in its data folder while it runs. */
export interface BridgeAddress {
  /** `http://HOST:PORT` */
  http: string
  /** `ws://HOST:PORT` */
  ws: string
  tokenFile: string
  pid: number
  /** The certificate it shows, PEM, where it speaks TLS: programs of its own machine take that one and no other. */
  cert?: string
}

/** What is needed of `fetch` to talk to a bridge-server. */
export type Ask = (
  url: string,
  init?: Omit<RequestInit, "body"> & { body?: string },
) => Promise<{ json(): Promise<unknown> }>

interface Platform {
  /** `process.platform` */
  platform: string
  env: Readonly<Record<string, string | undefined>>
  /** The home directory. */
  home: string
}

/** Where a bridge-server keeps what is its own, unless it is told otherwise: `$IPFA_DATA`, else the platform's folder for an application's data. */
export function dataFolder({ platform, env, home }: Platform): string {
  const name = "ipfs-accelerate"
  if (env.IPFA_DATA) return env.IPFA_DATA
  if (platform === "darwin") return `${home}/Library/Application Support/${name}`
  if (platform === "win32") return `${env.LOCALAPPDATA || `${home}\\AppData\\Local`}\\${name}\\Data`
  return `${env.XDG_DATA_HOME || `${home}/.local/share`}/${name}`
}

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
  { agent, signal, ask = fetch }: { agent?: string; signal: AbortSignal; ask?: Ask },
): Promise<boolean> {
  const nonce = hex(crypto.getRandomValues(new Uint8Array(16)))
  const query = new URLSearchParams({ nonce, ...(agent !== undefined && { agent }) })
  const answer = await ask(`${http}/v1/proof?${query}`, {
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

function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], (pair) => Number.parseInt(pair, 16))
}
