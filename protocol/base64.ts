/** Base64 for the one channel that carries nothing but JSON (native messaging), by the fastest means the platform has. */

interface FastBase64 {
  toBase64?(): string
}
interface FastBase64Constructor {
  fromBase64?(text: string): Uint8Array<ArrayBuffer>
}
interface NodeBuffer {
  from(data: ArrayBufferLike, offset: number, length: number): { toString(encoding: "base64"): string }
}

const STEP = 0x8000

export function toBase64(bytes: Uint8Array): string {
  const fast = bytes as FastBase64
  if (fast.toBase64) return fast.toBase64()
  const buffer = (globalThis as { Buffer?: NodeBuffer }).Buffer
  if (buffer) return buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")
  let text = ""
  for (let i = 0; i < bytes.byteLength; i += STEP) text += String.fromCharCode(...bytes.subarray(i, i + STEP))
  return btoa(text)
}

/** Throws where `text` is no base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const fast = Uint8Array as FastBase64Constructor
  if (fast.fromBase64) return fast.fromBase64(text)
  // Not Node's Buffer: it ignores what is no base64.
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < bytes.byteLength; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}
