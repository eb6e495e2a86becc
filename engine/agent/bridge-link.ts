import {
  type BridgeState,
  fail,
  type HardwareReport,
  type Measurement,
  type Peer,
  type PeerOptions,
} from "../../protocol/index.ts"
import type { Caller } from "../caller.ts"
import type { Pool } from "../pool/pool.ts"
import { bridgeFault, bridgeUrl, dialBridge, redeemCode } from "./bridge-dial.ts"
import { authoriseBridge, bridgeCaller } from "./bridge-rights.ts"
import type { Clock } from "./clock.ts"
import { type ConnectHost, dialByHost, type HostDialled } from "./host-dial.ts"
import { Outbox } from "./outbox.ts"
import type { BridgePairing, SettingsStore } from "./settings.ts"

/** Waits between attempts to reach the bridge: doubled each time, with some chance in it so that many browsers don't come at once. */
const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 30_000
/** Measurements wait for company that long, ms. */
const RECORD_MS = 2000
/** A bridge that lives answers a browser that joins, or its measurements, far sooner, ms. One that hangs is tried again. */
const ANSWER_MS = 10_000

export interface BridgeLinkParts {
  settings: SettingsStore
  pool: Pool
  clock: Clock
  agent: string
  incarnation: number
  browser: NonNullable<HardwareReport["devices"][number]["browser"]>
  version: string
  /** Where a browser can have a native host. */
  connectHost?: ConnectHost
  onChange(): void
  /** Whether the supervisor is wanted from the browser's start on. */
  onPaired(paired: boolean): void
}

/** This browser's membership in a bridge-server's fleet: pairs, joins, says that it lives, serves its pool, hands over evidence, comes back. */
export class BridgeLink {
  readonly #parts: BridgeLinkParts
  #state: BridgeState = { state: "none" }
  #pairing: BridgePairing | "host" | undefined
  /** Paired for good; else the native host is tried once. */
  #kept = true
  #peer: Peer<Caller> | undefined
  #failures = 0
  /** Raised whenever what was under way is to have no more effect. */
  #turn = 0
  readonly #outbox = new Outbox()
  #flushing: (() => void) | undefined

  constructor(parts: BridgeLinkParts) {
    this.#parts = parts
  }

  get state(): BridgeState {
    return this.#state
  }

  /** Joins the bridge that this browser was paired with, if it was; else looks for this computer's by the native host. */
  async start(): Promise<void> {
    const turn = this.#turn
    const pairing = await this.#parts.settings.get("bridge")
    if (this.#pairing || turn !== this.#turn || pairing === "left") return
    if (pairing) this.#use(pairing)
    else this.find()
  }

  /** Has the native host pair this browser. Tried once; what came of it is the state. */
  find(): void {
    if (this.#parts.connectHost) this.#use("host", false)
  }

  /** Throws IPFA_INPUT_INVALID, IPFA_BRIDGE_UNREACHABLE, IPFA_PROTOCOL_VERSION, IPFA_BRIDGE_PAIRING, IPFA_BRIDGE_PAIRING_RATE, IPFA_STORE_QUOTA; a pairing there was stays then. */
  async pair(typed: string, code: string, signal: AbortSignal): Promise<BridgeState> {
    const { settings, agent, browser, onPaired } = this.#parts
    const url = bridgeUrl(typed)
    // A token is good for this agent alone, whose name a full disk may have had no room for. Nothing is lost yet where it still has none.
    await settings.set("agent", agent)
    const token = await redeemCode(url, { code, agent, label: browser }, signal)
    await settings.set("bridge", { url, token })
    onPaired(true)
    this.#use({ url, token })
    return this.#state
  }

  /** Leaves the bridge until `start`; the pairing stays. What runs here, the bridge runs elsewhere. */
  pause(): void {
    this.#leave()
    this.#pairing = undefined
    this.#is({ state: "none" })
  }

  /** Leaves the bridge for good. Holds at once; resolves when it outlives the browser. */
  async forget(): Promise<void> {
    this.#leave()
    this.#pairing = undefined
    try {
      await this.#parts.settings.set("bridge", "left")
    } finally {
      this.#parts.onPaired(false)
      this.#is({ state: "none" })
    }
  }

  /** Takes a measurement for the bridge's evidence; what is measured while it is away waits for it, the oldest given up first. */
  record(measurement: Measurement): void {
    if (!this.#pairing) return
    this.#outbox.add(measurement)
    this.#flushing ??= this.#parts.clock.after(RECORD_MS, () => {
      this.#flushing = undefined
      void this.#flush()
    })
  }

  #use(pairing: BridgePairing | "host", kept = true): void {
    this.#leave()
    this.#pairing = pairing
    this.#kept = kept
    this.#failures = 0
    void this.#join(this.#turn)
  }

  #leave(): void {
    this.#turn++
    this.#peer?.close()
    this.#peer = undefined
  }

  #is(state: BridgeState): void {
    this.#state = state
    this.#parts.onChange()
  }

  async #join(turn: number): Promise<void> {
    const pairing = this.#pairing
    if (!pairing || turn !== this.#turn) return
    const { agent, browser, version, incarnation, pool } = this.#parts
    const route = pairing === "host" ? { byHost: true } : { url: pairing.url }
    this.#is({ state: this.#kept ? "connecting" : "none", agent, ...route })
    const caller = bridgeCaller(pairing === "host" ? "host" : new URL(pairing.url).host)
    const { handlers, dispose } = pool.serve(caller)
    let ended: unknown
    try {
      const serving = { role: "agent", caller, handlers, authorise: authoriseBridge }
      const { peer, ...way } = await this.#dial(pairing, serving)
      if (turn !== this.#turn) return peer.close()
      this.#peer = peer
      const hardware = await pool.hardware()
      const { heartbeatMs } = await peer.call(
        "agent.join",
        { agent, browser, version, incarnation, hardware },
        { deadlineMs: ANSWER_MS },
      )
      this.#failures = 0
      if (!this.#kept) await this.#keep()
      if (turn !== this.#turn) return
      this.#is({ state: "connected", agent, ...route, ...way })
      this.#beat(peer, caller, heartbeatMs, JSON.stringify(hardware))
      void this.#flush()
      ended = await peer.closed
    } catch (error) {
      ended = error
    } finally {
      dispose()
    }
    if (turn !== this.#turn) return
    this.#peer?.close()
    this.#peer = undefined
    if (this.#kept) return this.#retry(turn, route, ended)
    this.#pairing = undefined
    this.#is({ state: "none", byHost: true, fault: bridgeFault(ended) })
  }

  async #dial(pairing: BridgePairing | "host", serving: PeerOptions<Caller>): Promise<HostDialled> {
    const { agent, browser, connectHost } = this.#parts
    if (pairing !== "host") {
      return { peer: await dialBridge(pairing, agent, serving), url: pairing.url, carried: false }
    }
    if (!connectHost) throw fail("IPFA_HOST_ABSENT")
    return dialByHost(connectHost, agent, browser, serving)
  }

  async #keep(): Promise<void> {
    this.#kept = true
    await this.#parts.settings.set("bridge", "host")
    this.#parts.onPaired(true)
  }

  #retry(turn: number, route: Pick<BridgeState, "url" | "byHost">, reason: unknown): void {
    const { clock, agent } = this.#parts
    const longest = Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, LONGEST_RETRY_MS)
    const wait = Math.round(longest * (0.5 + Math.random() / 2))
    this.#is({ state: "waiting", agent, ...route, fault: bridgeFault(reason), retryAt: Date.now() + wait })
    clock.after(wait, () => void this.#join(turn))
  }

  /** Says that this agent lives, until the connection ends; the hardware goes with it when it changed. */
  #beat(peer: Peer<Caller>, caller: Caller, everyMs: number, told: string): void {
    const { clock, pool } = this.#parts
    clock.after(everyMs, async () => {
      if (peer.isClosed) return
      try {
        const hardware = await pool.hardware()
        const now = JSON.stringify(hardware)
        const { running, waiting } = pool.status(caller).jobs
        await peer.call(
          "agent.beat",
          { running, waiting, ...(now !== told && { hardware }) },
          { deadlineMs: 10 * everyMs },
        )
        this.#beat(peer, caller, everyMs, now)
      } catch {
        // The bridge forgot this agent, or does not answer: join anew.
        peer.close()
      }
    })
  }

  /** What can't be handed over is told again with the next measurement, or when the bridge is back. */
  async #flush(): Promise<void> {
    const peer = this.#peer
    if (!peer || this.#state.state !== "connected") return
    await this.#outbox.flush((batch) => peer.call("agent.record", batch, { deadlineMs: ANSWER_MS }))
  }
}
