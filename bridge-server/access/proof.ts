import { createHmac, timingSafeEqual } from "node:crypto"
import { hashToken } from "./token.ts"

/**
 * How the bridge shows that it knows a token before anyone sends it one (S6: an impostor on its port learns nothing).
 * HMAC-SHA-256, key SHA-256(token), over `ipfa-bridge-proof`, the nonce and the address as the client dialled it, newline-separated. The
 * address is in it so that an impostor can't fetch the proof from the real bridge on another port.
 */
export function bridgeProof(tokenHash: Buffer, nonce: string, host: string): string {
  return createHmac("sha256", tokenHash).update(`ipfa-bridge-proof\n${nonce}\n${host.toLowerCase()}`).digest("hex")
}

export function proofHolds(token: string, nonce: string, host: string, proof: string): boolean {
  const expected = Buffer.from(bridgeProof(hashToken(token), nonce, host))
  const given = Buffer.from(proof)
  return expected.length === given.length && timingSafeEqual(expected, given)
}
