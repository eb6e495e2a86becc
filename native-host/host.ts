import type { WebSocket } from "ws"
import { fail, type Handlers, reasonError } from "../protocol/index.ts"
import { type BridgePlace, type HeldBridge, holdBridge, openSocket } from "./bridge.ts"
import type { HostCaller } from "./caller.ts"

/** What the extension may ask of its native host; `signal` aborts when it is gone. */
export function hostHandlers(caller: HostCaller, place: BridgePlace, signal: AbortSignal): Handlers<undefined> {
  let held: Promise<HeldBridge> | undefined
  let paired: { url: string; token: string; origin: string; cert: string | undefined } | undefined
  let carried: { socket: WebSocket; opened: Promise<void> } | undefined

  const hold = () => {
    held ??= holdBridge(place, signal)
    const holding = held
    const forget = () => {
      if (held === holding) held = undefined
    }
    holding.then(({ peer }) => peer.closed).then(forget, forget)
    return holding
  }
  return {
    "host.pair": async ({ agent, origin, label }, call) => {
      caller.admit(origin)
      const { ws, cert, peer } = await hold()
      const { token } = await peer.call(
        "agent.admit",
        { agent, origin, ...(label && { label }) },
        { signal: call.signal },
      )
      paired = { url: `${ws}/agent`, token, origin, cert }
      return { url: paired.url, token }
    },
    "host.carry": (_, call) => {
      if (!paired || carried) throw unreachable(carried ? "It is carried already." : "Pair before that.")
      const { url, token, ...from } = paired
      const socket = openSocket(url, token, from)
      carried = { socket, opened: opening(socket) }
      carried.opened.catch(() => undefined)
      socket.on("message", (data: Buffer) => {
        // Until the extension has room: what waits here is read by nobody.
        socket.pause()
        const resume = () => socket.resume()
        // It fails where the call is over, which closes the socket.
        call.emit({ bytes: data }).then(resume, resume)
      })
      call.signal.addEventListener("abort", () => socket.close())
      return new Promise((resolve, reject) => {
        socket.on("error", (cause) => reject(unreachable(undefined, cause)))
        socket.on("close", (_code, reason) => {
          carried = undefined
          const error = reasonError(String(reason))
          if (error) reject(error)
          else resolve({})
        })
      })
    },
    "host.send": async ({ bytes }) => {
      if (!carried) throw unreachable("The connection that was carried has ended.")
      const { socket, opened } = carried
      // All that come before it is open wait for the one promise, so they leave in order.
      await opened
      return new Promise((resolve, reject) =>
        socket.send(bytes, { binary: true }, (cause) => (cause ? reject(unreachable(undefined, cause)) : resolve({}))),
      )
    },
  }
}

function opening(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("open", resolve)
    socket.once("close", () => reject(unreachable()))
  })
}

function unreachable(message?: string, cause?: unknown): Error {
  return fail("IPFA_BRIDGE_UNREACHABLE", { ...(message !== undefined && { message }), cause })
}
