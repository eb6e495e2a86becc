import { fail, hex } from "../../protocol/index.ts"

/**
 * SHA-256 in lower-case hex of bytes in memory. The platform's own digest takes them whole, which costs no more memory than opening the
 * model does; Node's folder store reads in pieces instead.
 */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!globalThis.crypto?.subtle)
    throw fail("IPFA_EXTENSION_ABSENT", {
      message: "Models can only be verified in a secure context (https, localhost).",
    })
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)))
}

export function sha256OfText(text: string): Promise<string> {
  return sha256Hex(new TextEncoder().encode(text))
}
