import { readFileSync } from "node:fs"
import { inflateSync } from "node:zlib"

/** 8-bit pixels, rows from the top, `channels` interleaved (1 grey, 3 RGB, 4 RGBA). */
export interface Image {
  width: number
  height: number
  channels: 1 | 3 | 4
  data: Uint8Array
}

/** Reads the two kinds of file the shared models come with: 8-bit PNG without interlace or palette, and BMP of 24 bits or 8 grey bits. */
export function readImage(path: string): Image {
  const bytes = readFileSync(path)
  if (bytes.readUInt32BE(0) === 0x89504e47) return png(bytes)
  if (bytes.toString("latin1", 0, 2) === "BM") return bmp(bytes)
  throw new Error(`${path} is neither PNG nor BMP`)
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

/** Bilinear, pixel centres at half (what most training pipelines do). */
export function resize(image: Image, width: number, height: number): Image {
  const { channels } = image
  const data = new Uint8Array(width * height * channels)
  for (let y = 0; y < height; y++) {
    const [y0, y1, fy] = taps(y, height, image.height)
    for (let x = 0; x < width; x++) {
      const [x0, x1, fx] = taps(x, width, image.width)
      for (let c = 0; c < channels; c++) {
        const at = (yy: number, xx: number) => image.data[(yy * image.width + xx) * channels + c]!
        const top = at(y0, x0) * (1 - fx) + at(y0, x1) * fx
        const bottom = at(y1, x0) * (1 - fx) + at(y1, x1) * fx
        data[(y * width + x) * channels + c] = Math.round(top * (1 - fy) + bottom * fy)
      }
    }
  }
  return { width, height, channels, data }
}

function taps(i: number, to: number, from: number): [number, number, number] {
  const at = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1)
  const low = Math.floor(at)
  return [low, Math.min(low + 1, from - 1), at - low]
}

/** `[1, 3, height, width]` of an RGB or RGBA image, each value through `scale`; `bgr` turns the channels round. */
export function planes(image: Image, scale: (x: number) => number, bgr = false): Float32Array<ArrayBuffer> {
  const n = image.width * image.height
  const out = new Float32Array(3 * n)
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < n; i++) out[c * n + i] = scale(image.data[i * image.channels + (bgr ? 2 - c : c)]!)
  return out
}
