import { readFileSync } from "node:fs"
import { inflateSync } from "node:zlib"
import { jpeg } from "./jpeg.ts"

/** 8-bit pixels, rows from the top, `channels` interleaved (1 grey, 3 RGB, 4 RGBA). */
export interface Image {
  width: number
  height: number
  channels: 1 | 3 | 4
  data: Uint8Array
}

/** Reads the kinds of file the shared models come with: 8-bit PNG without interlace or palette, BMP of 24 bits or 8 grey bits, baseline JPEG. */
export function readImage(path: string): Image {
  const bytes = readFileSync(path)
  if (bytes.readUInt32BE(0) === 0x89504e47) return png(bytes)
  if (bytes.toString("latin1", 0, 2) === "BM") return bmp(bytes)
  if (bytes.readUInt16BE(0) === 0xffd8) return jpeg(bytes)
  throw new Error(`${path} is neither PNG, BMP nor JPEG`)
}

function png(bytes: Buffer): Image {
  const width = bytes.readUInt32BE(16)
  const height = bytes.readUInt32BE(20)
  const channels = ({ 0: 1, 2: 3, 6: 4 } as const)[bytes[25] as 0 | 2 | 6]
  if (bytes[24] !== 8 || !channels || bytes[28] !== 0) throw new Error("a kind of PNG this reader does not know")
  const parts: Buffer[] = []
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    if (bytes.toString("latin1", at + 4, at + 8) === "IDAT") parts.push(bytes.subarray(at + 8, at + 8 + length))
    at += 12 + length
  }
  const raw = inflateSync(Buffer.concat(parts))
  const stride = width * channels
  const data = new Uint8Array(stride * height)
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)]
    for (let i = 0; i < stride; i++) {
      const at = y * stride + i
      const left = i >= channels ? data[at - channels]! : 0
      const up = y > 0 ? data[at - stride]! : 0
      const corner = y > 0 && i >= channels ? data[at - stride - channels]! : 0
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter!]!
      data[at] = raw[y * (stride + 1) + 1 + i]! + guess
    }
  }
  return { width, height, channels, data }
}

/** PNG's predictor (ISO/IEC 15948, 9.4). */
function paeth(a: number, b: number, c: number): number {
  const p = a + b - c
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)]
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c
}

function bmp(bytes: Buffer): Image {
  const start = bytes.readUInt32LE(10)
  const width = bytes.readInt32LE(18)
  const signed = bytes.readInt32LE(22)
  const height = Math.abs(signed)
  const channels = ({ 8: 1, 24: 3 } as const)[bytes.readUInt16LE(28) as 8 | 24]
  if (!channels) throw new Error("a kind of BMP this reader does not know")
  const stride = (width * channels + 3) & ~3
  const data = new Uint8Array(width * height * channels)
  for (let y = 0; y < height; y++) {
    const row = start + (signed > 0 ? height - 1 - y : y) * stride
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++)
        data[(y * width + x) * channels + c] = bytes[row + x * channels + (channels === 3 ? 2 - c : c)]!
  }
  return { width, height, channels, data }
}

/** The square in its middle. */
export function centre({ width, height, channels, data }: Image): Image {
  const size = Math.min(width, height)
  const [left, top] = [(width - size) >> 1, (height - size) >> 1]
  const out = new Uint8Array(size * size * channels)
  for (let y = 0; y < size; y++) {
    const first = ((top + y) * width + left) * channels
    out.set(data.subarray(first, first + size * channels), y * size * channels)
  }
  return { width: size, height: size, channels, data: out }
}

/** Each pixel the mean of those around it, the nearer the more: a triangle as wide as two pixels, of the result where that is smaller. */
export function resize({ data, channels, ...from }: Image, width: number, height: number): Image {
  const rows = along(data, from.height, from.width, channels, width)
  const all = along(rows, 1, from.height, width * channels, height)
  return { width, height, channels, data: Uint8Array.from(all, Math.round) }
}

/** The second axis of [outer, from, inner], resized to `to`. */
function along(data: ArrayLike<number>, outer: number, from: number, inner: number, to: number): Float32Array {
  const out = new Float32Array(outer * to * inner)
  const reach = Math.max(from / to, 1)
  for (let i = 0; i < to; i++) {
    const middle = ((i + 0.5) * from) / to - 0.5
    const first = Math.max(Math.ceil(middle - reach), 0)
    const end = Math.min(Math.floor(middle + reach) + 1, from)
    const weights = Array.from({ length: end - first }, (_, j) => 1 - Math.abs(first + j - middle) / reach)
    const sum = weights.reduce((a, b) => a + b)
    for (let o = 0; o < outer; o++)
      weights.forEach((weight, j) => {
        const at = (o * from + first + j) * inner
        for (let c = 0; c < inner; c++) out[(o * to + i) * inner + c]! += (weight / sum) * data[at + c]!
      })
  }
  return out
}

/** `[1, 3, height, width]` of an RGB or RGBA image, each value through `scale`; `bgr` turns the channels round. */
export function planes(image: Image, scale: (x: number) => number, bgr = false): Float32Array<ArrayBuffer> {
  const n = image.width * image.height
  const out = new Float32Array(3 * n)
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < n; i++) out[c * n + i] = scale(image.data[i * image.channels + (bgr ? 2 - c : c)]!)
  return out
}
