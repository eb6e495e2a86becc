import { createHmac } from "node:crypto"
import { proofMessage } from "../../protocol/index.ts"

/** How the bridge shows that it knows a token before anyone sends it one (S6: an impostor on its port learns nothing); protocol/bridge-door.ts asks for it. */
export function bridgeProof(tokenHash: Buffer, nonce: string, host: string): string {
  return createHmac("sha256", tokenHash).update(proofMessage(nonce, host)).digest("hex")
}
