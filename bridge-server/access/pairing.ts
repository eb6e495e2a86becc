import { randomInt } from "node:crypto"
import { type CodeUse, fail } from "../../protocol/index.ts"
import { networkOf } from "./addresses.ts"
import { hashToken, tokenMatches } from "./token.ts"

/** Without 0/O, 1/I/L, 2/Z, 5/S, 8/B, U/V: what a person reads from one screen and types into another. */
const ALPHABET = "3467ACDEFGHJKMNPQRTVWXY9"
const LENGTH = 8
const LIFE_MS = 5 * 60_000
/** Wrong codes a minute: from one origin at one address, and from one address, whose programs can make up as many origins as they like. */
const ATTEMPTS = 5
const ATTEMPTS_OF_ADDRESS = 20
const WINDOW_MS = 60_000
/** Codes that wait at once; the oldest goes when one more is asked for. */
const MAX_CODES = 16

/** Who tries a code. */
export interface PairingPeer {
  /** Remote address of the connection. */
  address: string
  webOrigin?: string
}

export interface PairingOptions {
  now?: () => number
}

/** One-time codes: 24⁸ ≈ 1.1 × 10¹¹, five wrong ones a minute from each peer, each good once and for five minutes. */
export class Pairing {
  readonly #now: () => number
  readonly #codes: { hash: Buffer; use: CodeUse; until: number }[] = []
  /** When wrong codes came, by peer and by address. Counted apart, so that one who guesses locks out nobody elsewhere. */
  readonly #wrong = new Map<string, number[]>()

  constructor({ now = () => performance.now() }: PairingOptions = {}) {
    this.#now = now
  }

  create(use: CodeUse): { code: string; expiresInMs: number } {
    const code = Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("")
    this.#prune()
    if (this.#codes.length >= MAX_CODES) this.#codes.shift()
    this.#codes.push({ hash: hashToken(code), use, until: this.#now() + LIFE_MS })
    return { code, expiresInMs: LIFE_MS }
  }

  /**
   * Uses a code up. Throws IPFA_BRIDGE_PAIRING for one that is not there any more, never was, or was made for another use, and
   * IPFA_BRIDGE_PAIRING_RATE past the limit.
   */
  redeem(given: string, use: CodeUse, peer: PairingPeer): void {
    this.#prune()
    const network = networkOf(peer.address)
    const counted = [
      { name: network, most: ATTEMPTS_OF_ADDRESS },
      { name: `${network} ${peer.webOrigin ?? ""}`, most: ATTEMPTS },
    ]
    for (const { name, most } of counted) this.#checkRate(name, most)
    const wrong = (message?: string) => {
      for (const { name } of counted) this.#wrong.set(name, [...(this.#wrong.get(name) ?? []), this.#now()])
      return fail("IPFA_BRIDGE_PAIRING", message === undefined ? {} : { message })
    }
    const code = given.toUpperCase().replace(/[\s-]/g, "")
    // All are compared, so that the time tells nothing about which one it was like.
    const found = this.#codes.map(({ hash }) => tokenMatches(code, hash)).indexOf(true)
    if (found < 0) throw wrong()
    // Who may compute may not look.
    if (this.#codes[found]?.use !== use)
      throw wrong(
        use === "dashboard"
          ? "That code lets a browser compute. One for the dashboard comes from ipfs-accelerate pair --dashboard."
          : "That code opens the dashboard. One for a browser comes from ipfs-accelerate pair.",
      )
    this.#codes.splice(found, 1)
  }

  #checkRate(name: string, most: number): void {
    const times = this.#wrong.get(name) ?? []
    const ending = times[times.length - most]
    if (ending === undefined) return
    throw fail("IPFA_BRIDGE_PAIRING_RATE", { data: { retryAfterMs: Math.ceil(ending + WINDOW_MS - this.#now()) } })
  }

  #prune(): void {
    const now = this.#now()
    for (let i = this.#codes.length; i-- > 0; ) if ((this.#codes[i]?.until ?? 0) <= now) this.#codes.splice(i, 1)
    for (const [name, times] of this.#wrong) {
      const recent = times.filter((at) => at > now - WINDOW_MS)
      if (recent.length > 0) this.#wrong.set(name, recent)
      else this.#wrong.delete(name)
    }
  }
}
