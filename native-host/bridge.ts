import { spawn } from "node:child_process"
import { readFile } from "node:fs/promises"
import path from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { WebSocket } from "ws"
import {
  asAccelerateError,
  type BridgeAddress,
  bridgeProves,
  deserialiseError,
  fail,
  Peer,
  SUBPROTOCOL,
  type WebSocketLike,
  webSocketPort,
} from "../protocol/index.ts"
import { askBridge, trust } from "./ask.ts"

/** A bridge-server that is up takes far less to answer, ms. */
const ANSWER_MS = 5000
/** To start takes a second or two; a laptop that just woke is given more, ms. */
const START_MS = 30_000
const LOOK_AGAIN_MS = 100
const START_AGAIN_MS = 1000

export interface BridgePlace {
  dataDir: string
  /** The bridge-server's command line. */
  bridge: string
}

/** A bridge-server that has shown that it is ours, and stays for as long as the connection to it. */
export interface HeldBridge {
  /** `ws://HOST:PORT` */
  readonly ws: string
  /** The certificate it announced, PEM, where it speaks TLS. */
  readonly cert?: string
  /** With the owner's rights. */
  readonly peer: Peer
}

/** The bridge-server of the data folder, which is started where none is up. Throws IPFA_BRIDGE_UNREACHABLE, or why it could not start. */
export async function holdBridge({ dataDir, bridge }: BridgePlace, signal: AbortSignal): Promise<HeldBridge> {
  const until = performance.now() + START_MS
  let startedAt = Number.NEGATIVE_INFINITY
  let refused: unknown
  while (performance.now() < until) {
    signal.throwIfAborted()
    const held = await findBridge(dataDir, signal)
    if (held) return held
    if (refused !== undefined) throw refused
    if (performance.now() - startedAt > START_AGAIN_MS) {
      startedAt = Number.POSITIVE_INFINITY
      startBridge(dataDir, bridge)
        .catch((error: unknown) => {
          // Another browser's native host was faster, or the one before is still going: look for it, or try again.
          if (asAccelerateError(error).code !== "IPFA_STORE_LOCKED") refused = error
        })
        .finally(() => {
          startedAt = performance.now()
        })
    }
    await delay(LOOK_AGAIN_MS, undefined, { signal })
  }
  throw fail("IPFA_BRIDGE_UNREACHABLE", {
    message:
      "This computer's bridge-server was started, or runs already, but does not answer. ipfs-accelerate doctor says why.",
    data: { dataDir },
  })
}

/** Undefined where none is up, and where it is another program that listens there: that learns nothing. */
async function findBridge(dataDir: string, signal: AbortSignal): Promise<HeldBridge | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
  try {
    const announced = await readFile(path.join(dataDir, "bridge.json"), "utf8")
    const { http, ws, tokenFile, cert } = JSON.parse(announced) as BridgeAddress
    const token = (await readFile(tokenFile, "utf8")).trim()
    if (!(await bridgeProves(http, token, { signal: limit, ask: askBridge(cert) }))) return undefined
    const peer = await openPeer(openSocket(`${ws}/client`, token, { cert }), limit)
    // Until this process ends, or the bridge does.
    peer.call("bridge.hold", {}).catch(() => undefined)
    return { ws, peer, ...(cert !== undefined && { cert }) }
  } catch (error) {
    if (signal.aborted) throw error
    return undefined
  }
}

async function openPeer(socket: WebSocket, signal: AbortSignal): Promise<Peer> {
  const peer = new Peer(webSocketPort(socket as unknown as WebSocketLike), { role: "native-host" })
  const giveUp = () => peer.close(fail("IPFA_BRIDGE_UNREACHABLE"))
  signal.addEventListener("abort", giveUp)
  const ready = await peer.ready
  signal.removeEventListener("abort", giveUp)
  if (!ready) throw (await peer.closed) ?? fail("IPFA_BRIDGE_UNREACHABLE")
  return peer
}

/** `origin`: of the extension that it is opened for; `cert`: the bridge's, where it speaks TLS. */
export function openSocket(
  url: string,
  token: string,
  { origin, cert }: { origin?: string; cert: string | undefined },
): WebSocket {
  return new WebSocket(url, SUBPROTOCOL, {
    headers: { authorization: `Bearer ${token}`, ...(origin !== undefined && { origin }) },
    ...(cert !== undefined && trust(cert)),
    perMessageDeflate: false,
    maxPayload: 2 ** 31 - 1,
    // A mask of zeros: masking guards proxies against what a page may send, and costs a pass over every tensor.
    generateMask: () => {},
  } as ConstructorParameters<typeof WebSocket>[2])
}

/** Resolves when it is up; rejects with its reason where it ends before. */
function startBridge(dataDir: string, bridge: string): Promise<void> {
  const args = [bridge, "serve", "--data", dataDir, "--port", "0", "--while-held", "--json"]
  // In a process group of its own: it may outlive the browser that this one belongs to, for the sake of another.
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
    windowsHide: true,
  })
  child.unref()
  return new Promise((resolve, reject) => {
    let said = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text
      if (!said.includes("\n")) return
      const line = JSON.parse(said) as { error?: Parameters<typeof deserialiseError>[0] }
      // Nothing more is said there.
      child.stdout.destroy()
      if (line.error) reject(deserialiseError(line.error))
      else resolve()
    })
    child.on("error", reject)
    child.on("close", (code) =>
      reject(
        fail("IPFA_BRIDGE_UNREACHABLE", {
          message: `This computer's bridge-server could not be started (exit code ${code}). ipfs-accelerate doctor says why.`,
        }),
      ),
    )
  })
}
