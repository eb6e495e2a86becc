import { signal } from "@preact/signals"
import { type BridgeFault, bridgeFault, dialBridge, redeemCode } from "../../engine/agent/bridge-dial.ts"
import {
  asAccelerateError,
  type BridgeView,
  fail,
  type Invitation,
  type Peer,
  type StoredBenchmark,
} from "../../protocol/index.ts"
import { readKey, writeKey } from "./key.ts"

export type ConsoleState =
  | { state: "locked" }
  | { state: "connecting" }
  | { state: "live" }
  | { state: "waiting"; fault: BridgeFault }

/** Waits between attempts to reach the bridge, ms: doubled each time. */
const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 10_000
const ANSWER_MS = 30_000
/** A code has eight characters, and people write a dash or spaces into it; a token has 43. */
const LONGEST_CODE = 16

/** The dashboard's connection to the bridge-server that served it, and what it is told there. */
export class BridgeConsole {
  readonly state = signal<ConsoleState>({ state: "connecting" })
  readonly view = signal<BridgeView | undefined>(undefined)
  /** The latest first; undefined until they came. */
  readonly benchmarks = signal<StoredBenchmark[] | undefined>(undefined)
  /** Why there are no benchmarks, or what was typed does not open the dashboard; undefined where nothing went wrong. */
  readonly fault = signal<unknown>(undefined)
  readonly #socket = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}`
  #peer: Peer | undefined
  #failures = 0
  /** Raised whenever what was under way is to have no more effect. */
  #turn = 0
  #listed = -1

  /** Opens with `code`, else with the key that this browser was given before. */
  async start(code: string | undefined): Promise<void> {
    if (code) return this.unlock(code)
    try {
      if (readKey().token) return this.#connect(++this.#turn)
    } catch (error) {
      this.fault.value = error
    }
    this.state.value = { state: "locked" }
  }

  /** Trades a one-time code, or the bridge-server's own token, for a key of this browser's own. What is wrong with it is in `fault`. */
  async unlock(typed: string): Promise<void> {
    this.fault.value = undefined
    try {
      const text = typed.trim()
      const code = text.length <= LONGEST_CODE ? text : await this.#codeFor(text)
      const { id } = readKey()
      const request = { code, agent: id, label: "dashboard", as: "dashboard" } as const
      const token = await redeemCode(`${this.#socket}/agent`, request, AbortSignal.timeout(ANSWER_MS))
      writeKey({ id, token })
    } catch (error) {
      this.fault.value = error
      if (!this.#peer) return this.start(undefined)
      return
    }
    this.#leave()
    await this.#connect(this.#turn)
  }

  /** Forgets this browser's key. */
  lock(): void {
    this.#leave()
    writeKey({ id: readKey().id })
    this.view.value = undefined
    this.benchmarks.value = undefined
    this.state.value = { state: "locked" }
  }

  /** A one-time code for one more browser. Throws where the bridge can't be reached. */
  async invite(): Promise<Invitation> {
    if (!this.#peer) throw fail("IPFA_BRIDGE_UNREACHABLE")
    return this.#peer.call("dashboard.invite", {}, { deadlineMs: ANSWER_MS })
  }

  #leave(): void {
    this.#turn++
    this.#peer?.close()
    this.#peer = undefined
  }

  async #codeFor(token: string): Promise<string> {
    const peer = await dialBridge({ url: `${this.#socket}/client`, token }, undefined, { role: "dashboard" })
    try {
      return (await peer.call("dashboard.invite", { for: "dashboard" }, { deadlineMs: ANSWER_MS })).code
    } finally {
      peer.close()
    }
  }

  async #connect(turn: number): Promise<void> {
    const { id, token } = readKey()
    if (!token || turn !== this.#turn) return
    this.state.value = { state: "connecting" }
    let ended: unknown
    try {
      const peer: Peer = await dialBridge({ url: `${this.#socket}/client`, token }, id, { role: "dashboard" })
      if (turn !== this.#turn) return peer.close()
      this.#peer = peer
      this.#listed = -1
      await peer.call("dashboard.watch", {}, { onEvent: (view) => this.#show(view, peer) })
    } catch (error) {
      ended = error
    }
    if (turn !== this.#turn) return
    this.#peer?.close()
    this.#peer = undefined
    this.#retry(turn, ended)
  }

  #show(view: BridgeView, peer: Peer): void {
    this.#failures = 0
    this.view.value = view
    if (this.state.value.state !== "live") this.state.value = { state: "live" }
    if (view.benchmarks !== this.#listed) {
      this.#listed = view.benchmarks
      void this.#list(peer)
    }
  }

  async #list(peer: Peer): Promise<void> {
    try {
      this.benchmarks.value = (await peer.call("dashboard.history", {}, { deadlineMs: ANSWER_MS })).benchmarks
    } catch (error) {
      if (peer === this.#peer) this.fault.value = error
    }
  }

  #retry(turn: number, ended: unknown): void {
    if (asAccelerateError(ended, "IPFA_BRIDGE_UNREACHABLE").code === "IPFA_BRIDGE_TOKEN") {
      this.fault.value = ended
      this.state.value = { state: "locked" }
      return
    }
    this.state.value = { state: "waiting", fault: bridgeFault(ended) }
    setTimeout(() => void this.#connect(turn), Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, LONGEST_RETRY_MS))
  }
}
