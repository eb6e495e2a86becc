/** Four words, each from 0 to 2^32 − 1. */
export type Four = readonly [number, number, number, number]

/** The high and the low word of a product of two words. */
function product(a: number, b: number): [high: number, low: number] {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff]
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  const carried = (middle % 2 ** 16) + aLow * bHigh
  return [(aHigh * bHigh + Math.floor(middle / 2 ** 16) + Math.floor(carried / 2 ** 16)) >>> 0, Math.imul(a, b) >>> 0]
}

/**
 * Philox 4×32 with ten rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011): the four random words of a counter under a
 * key, each on its own, so a stream can be had in any order and in parallel. wgsl/philox.wgsl gives the same.
 */
export function philox4x32([c0, c1, c2, c3]: Four, [k0, k1]: readonly [number, number]): Four {
  let [a, b, c, d] = [c0, c1, c2, c3]
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = product(0xd2511f53, a)
    const [high1, low1] = product(0xcd9e8d57, c)
    const [x, y] = [(k0 + round * 0x9e3779b9) >>> 0, (k1 + round * 0xbb67ae85) >>> 0]
    ;[a, b, c, d] = [(high1 ^ b ^ x) >>> 0, low1, (high0 ^ d ^ y) >>> 0, low0]
  }
  return [a, b, c, d]
}
