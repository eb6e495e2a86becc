import { readFileSync } from "node:fs"

/** The samples of a 16-bit PCM WAV file as -1..1; several channels are averaged. */
export function readWave(path: string): Float32Array<ArrayBuffer> {
  const bytes = readFileSync(path)
  let channels = 1
  for (let at = 12; at < bytes.length; ) {
    const chunk = bytes.toString("latin1", at, at + 4)
    const length = bytes.readUInt32LE(at + 4)
    if (chunk === "fmt ") channels = bytes.readUInt16LE(at + 10)
    if (chunk === "data") {
      const frames = Math.floor(Math.min(length, bytes.length - at - 8) / (2 * channels))
      return Float32Array.from({ length: frames }, (_, i) => {
        let sum = 0
        for (let c = 0; c < channels; c++) sum += bytes.readInt16LE(at + 8 + (i * channels + c) * 2)
        return sum / channels / 32768
      })
    }
    at += 8 + length + (length & 1)
  }
  throw new Error(`${path} has no samples`)
}
