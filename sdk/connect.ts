import { FEATURES } from "../protocol/discovery.ts"
import { type AccelerateError, asAccelerateError, fail } from "../protocol/errors/error.ts"
import type { PeerCore } from "../protocol/peer-core.ts"
import { PROTOCOL_VERSION } from "../protocol/version.ts"
import { remoteMethods } from "./accelerator.ts"
import { findBridge, prove } from "./bridge-address.ts"
import { dial } from "./bridge-socket.ts"
import type { Connection } from "./connection.ts"
import { ownGrant } from "./own-grant.ts"
import type { IpfsAccelerate } from "./types.ts"

export interface ConnectOptions {
  /** `ws://HOST:PORT` or `http://HOST:PORT`; default: the bridge-server that runs on the data folder. */
  url?: string
  token?: string
  /** File that holds the token; default: the data folder's. */
  tokenFile?: string
  /** Default: $IPFA_DATA, else the platform's folder for an application's data. */
  dataDir?: string
  /** How long a lost bridge-server is looked for before calls fail, ms; default 60 s. The first connection is not waited for. */
  reconnectMs?: number
}

export interface BridgeAccelerator extends IpfsAccelerate, AsyncDisposable {
  readonly via: "bridge"
  /** Ends the connection; sessions and what runs end with it. Until then it keeps a Node process alive. */
  close(): Promise<void>
}

const DIAL_MS = 10_000
const BACKOFF_MS = { first: 100, longest: 5000 }

/** Connects a Node program to a bridge-server. Throws IPFA_BRIDGE_UNREACHABLE, IPFA_BRIDGE_TOKEN. */
export async function connect(options: ConnectOptions = {}): Promise<BridgeAccelerator> {
  const bridge = new Bridge(options)
  const { version } = await (await bridge.peer()).call("status.get", {})
  return {
    via: "bridge",
    version,
    protocolVersion: PROTOCOL_VERSION,
    features: FEATURES,
    ...remoteMethods(bridge),
    enable: async (request) => ownGrant("bridge", request),
    close: () => bridge.close(),
    [Symbol.asyncDispose]: () => bridge.close(),
  }
}

/** A connection that is made again, at whatever address the bridge-server has by then. */
class Bridge implements Connection {
  readonly keyed = true
  readonly #options: ConnectOptions
  readonly #closed = new AbortController()
  #peer: Promise<PeerCore> | undefined
  #wasThere = false

  constructor(options: ConnectOptions) {
    this.#options = options
  }

  peer(): Promise<PeerCore> {
    if (!this.#peer) {
      const connecting = this.#connect()
      this.#peer = connecting
      const forget = () => {
        if (this.#peer === connecting) this.#peer = undefined
      }
      connecting.then((peer) => peer.closed).then(forget, forget)
    }
    return this.#peer
  }

  async close(): Promise<void> {
    this.#closed.abort(fail("IPFA_PROTOCOL_CLOSED", { message: "This side closed the connection." }))
    const peer = await this.#peer?.catch(() => undefined)
    peer?.close(this.#closed.signal.reason)
  }

  async #connect(): Promise<PeerCore> {
    const until = performance.now() + (this.#wasThere ? (this.#options.reconnectMs ?? 60_000) : 0)
    for (let waitMs = BACKOFF_MS.first; ; waitMs = Math.min(waitMs * 2, BACKOFF_MS.longest)) {
      try {
        const peer = await this.#dial()
        this.#wasThere = true
        return peer
      } catch (error) {
        const e = asAccelerateError(error)
        const pause = waitMs * (0.5 + Math.random() / 2)
        if (this.#closed.signal.aborted || !mayPass(e) || performance.now() + pause > until) throw e
        await this.#pause(pause)
      }
    }
  }

  async #dial(): Promise<PeerCore> {
    const { signal } = this.#closed
    if (signal.aborted) throw signal.reason
    const address = await findBridge(this.#options)
    const limit = AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)])
    await prove(address, limit)
    const peer = await dial(address, limit)
    if (!signal.aborted) return peer
    peer.close()
    throw signal.reason
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#closed
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer)
        reject(signal.reason)
      }
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", stop)
        resolve()
      }, ms)
      signal.addEventListener("abort", stop, { once: true })
    })
  }
}

/** What a bridge-server that is starting again answers with, as opposed to one that wants something else. */
function mayPass({ code }: AccelerateError): boolean {
  return code === "IPFA_BRIDGE_UNREACHABLE" || code === "IPFA_PROTOCOL_CLOSED"
}
