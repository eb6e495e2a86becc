import { randomInt } from "node:crypto"
import { type CodeUse, fail } from "../../protocol/index.ts"
import { hashToken, tokenMatches } from "./token.ts"

/** Without 0/O, 1/I/L, 2/Z, 5/S, 8/B, U/V: what a person reads from one screen and types into another. */
const ALPHABET = "3467ACDEFGHJKMNPQRTVWXY9"
const LENGTH = 8
const LIFE_MS = 5 * 60_000
const ATTEMPTS = 5
const WINDOW_MS = 60_000
/** Codes that wait at once; the oldest goes when one more is asked for. */
const MAX_CODES = 16

export interface PairingOptions {
  now?: () => number
}

/** One-time codes: 24⁸ ≈ 1.1 × 10¹¹, five attempts a minute from each peer, each code good once and for five minutes. */
export class Pairing {
  readonly #now: () => number
  readonly #codes: { hash: Buffer; use: CodeUse; until: number }[] = []
  /** Attempts by peer. Counted apart, so that one who guesses locks out nobody else. */
  readonly #attempts = new Map<string, number[]>()

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
  redeem(given: string, use: CodeUse, peer: string): void {
    this.#prune()
    const now = this.#now()
    const recent = (this.#attempts.get(peer) ?? []).filter((at) => at > now - WINDOW_MS)
    const oldest = recent[0]
    if (recent.length >= ATTEMPTS && oldest !== undefined)
      throw fail("IPFA_BRIDGE_PAIRING_RATE", { data: { retryAfterMs: Math.ceil(oldest + WINDOW_MS - now) } })
    this.#attempts.set(peer, [...recent, now])
    const code = given.toUpperCase().replace(/[\s-]/g, "")
    // All are compared, so that the time tells nothing about which one it was like.
    const found = this.#codes.map(({ hash }) => tokenMatches(code, hash)).indexOf(true)
    if (found < 0) throw fail("IPFA_BRIDGE_PAIRING")
    // Who may compute may not look.
    if (this.#codes[found]?.use !== use)
      throw fail("IPFA_BRIDGE_PAIRING", {
        message:
          use === "dashboard"
            ? "That code lets a browser compute. One for the dashboard comes from ipfs-accelerate pair --dashboard."
            : "That code opens the dashboard. One for a browser comes from ipfs-accelerate pair.",
      })
    this.#codes.splice(found, 1)
  }

  #prune(): void {
    const now = this.#now()
    for (let i = this.#codes.length; i-- > 0; ) if ((this.#codes[i]?.until ?? 0) <= now) this.#codes.splice(i, 1)
    for (const [peer, times] of this.#attempts)
      if (times.every((at) => at <= now - WINDOW_MS)) this.#attempts.delete(peer)
  }
}
