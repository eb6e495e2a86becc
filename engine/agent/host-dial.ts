import {
  asAccelerateError,
  type ErrorCode,
  fail,
  nativePort,
  Peer,
  type PeerOptions,
  type RuntimePortLike,
} from "../../protocol/index.ts"
import type { Caller } from "../caller.ts"
import { dialBridge, openPeer } from "./bridge-dial.ts"
import { carriedSocket } from "./carried-socket.ts"

/** Starts the native host and connects to it, as `runtime.connectNative` does. */
export type ConnectHost = () => RuntimePortLike | Promise<RuntimePortLike>

/** A host that is there says so at once; a bridge-server that it has to start takes longer, ms. */
const HELLO_MS = 10_000
const PAIR_MS = 45_000

export interface HostDialled {
  peer: Peer<Caller>
  /** `ws://HOST:PORT/agent` */
  url: string
  /** The host carries the connection, because the browser could not open one. */
  carried: boolean
}

/**
 * A connection to this computer's bridge-server as an agent of its fleet, by the native host, which makes sure that it is up and has a new
 * token made. They end together: without its host a bridge-server that was started for this browser may end. Throws IPFA_HOST_ABSENT, _CALLER, _FAILED, and what `host.pair` does.
 */
export async function dialByHost(
  connect: ConnectHost,
  agent: string,
  label: string,
  serving: PeerOptions<Caller>,
): Promise<HostDialled> {
  const host = new Peer(nativePort(await connect()), { role: "extension" })
  try {
    const timer = setTimeout(() => host.close(fail("IPFA_HOST_FAILED")), HELLO_MS)
    const ready = await host.ready
    clearTimeout(timer)
    if (!ready) throw fail(hostFault(await host.closed))
    const request = { agent, origin: location.origin, label }
    const { url, token } = await host.call("host.pair", request, { deadlineMs: PAIR_MS })
    let carried = false
    const peer = await dialBridge({ url, token }, agent, serving).catch((error) => {
      // The host has just reached it: WebSocket, or all of loopback, is closed off here.
      if (asAccelerateError(error).code !== "IPFA_BRIDGE_UNREACHABLE") throw error
      carried = true
      return openPeer(carriedSocket(host), serving)
    })
    void peer.closed.then(() => host.close())
    void host.closed.then(() => peer.close())
    return { peer, url, carried }
  } catch (error) {
    host.close()
    throw error
  }
}

/** Why a native host did not answer, by what the browser or the host says. */
export function hostFault(reason: unknown): ErrorCode {
  const { code, cause } = asAccelerateError(reason, "IPFA_PROTOCOL_CLOSED")
  if (code !== "IPFA_PROTOCOL_CLOSED") return code
  const said = cause instanceof Error ? cause.message : ""
  // Chromium's words, then Firefox's.
  if (/not found|No such native application/i.test(said)) return "IPFA_HOST_ABSENT"
  if (/forbidden/i.test(said)) return "IPFA_HOST_CALLER"
  return "IPFA_HOST_FAILED"
}
