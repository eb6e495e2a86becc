import { fail } from "../../protocol/index.ts"

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

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}

export function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.byteLength
  }
  return whole
}
