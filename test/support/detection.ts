/** What stands between a picture and the boxes that the shared detectors find in it. */
import type { Image } from "./image.ts"
import { resize } from "./image.ts"

export interface Found {
  name: string
  score: number
  /** Left, top, right, bottom: of the picture's pixels, or parts of its sides. */
  box: readonly number[]
}

const GREY = 114

/** A picture made to fit into a square of `size`, at its top left, grey behind it; its pixels times `scale` are the square's. */
export function letterbox(image: Image, size: number): { image: Image; scale: number } {
  const scale = size / Math.max(image.width, image.height)
  const small = resize(image, Math.floor(image.width * scale), Math.floor(image.height * scale))
  const data = new Uint8Array(size * size * image.channels).fill(GREY)
  const row = small.width * image.channels
  for (let y = 0; y < small.height; y++)
    data.set(small.data.subarray(y * row, (y + 1) * row), y * size * image.channels)
  return { image: { ...image, width: size, height: size, data }, scale }
}

/** Those that overlap by no more than `most` with a better one of their name. */
export function suppressed(found: readonly Found[], most: number): Found[] {
  const kept: Found[] = []
  for (const one of found.toSorted((a, b) => b.score - a.score))
    if (!kept.some(({ name, box }) => name === one.name && overlap(box, one.box) > most)) kept.push(one)
  return kept
}

/** The area that two boxes share, in parts of what they cover together. */
export function overlap(a: readonly number[], b: readonly number[]): number {
  const side = (from: number) => Math.max(0, Math.min(a[from + 2]!, b[from + 2]!) - Math.max(a[from]!, b[from]!))
  const area = ([left, top, right, bottom]: readonly number[]) => (right! - left!) * (bottom! - top!)
  const shared = side(0) * side(1)
  return shared / (area(a) + area(b) - shared)
}

/** YOLOX's rows of x, y, width, height, whether there is something, and what: cells of 8, 16 and 32 pixels in a square of `size`, which is `scale` times the picture. */
export function yolox(
  rows: Float32Array,
  names: readonly string[],
  size: number,
  scale: number,
  least: number,
): Found[] {
  const found: Found[] = []
  let at = 0
  for (const cell of [8, 16, 32])
    for (let i = 0; i < (size / cell) ** 2; i++, at += 5 + names.length) {
      const [x, y, width, height, something, ...kinds] = rows.subarray(at, at + 5 + names.length)
      const best = kinds.indexOf(Math.max(...kinds))
      const score = something! * kinds[best]!
      if (!(score > least)) continue
      const of = (value: number) => (value * cell) / scale
      const [middle, down] = [of(x! + (i % (size / cell))), of(y! + Math.floor((i * cell) / size))]
      const [across, high] = [of(Math.exp(width!)) / 2, of(Math.exp(height!)) / 2]
      found.push({ name: names[best]!, score, box: [middle - across, down - high, middle + across, down + high] })
    }
  return found
}
