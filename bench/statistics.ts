/** Statistics of A/B comparisons: pure, seeded, no outlier rejected. */

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** Numbers in [0, 1) that depend on `seed` alone (mulberry32, Tommy Ettinger, public domain). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A percentile bootstrap of median(above) / median(below): the 95 % interval from `resamples` seeded resamples of both. */
export function bootstrapRatio(
  above: readonly number[],
  below: readonly number[],
  seed = 1,
  resamples = 2000,
): [low: number, high: number] {
  const random = seededRandom(seed)
  const resample = (values: readonly number[]) =>
    median(Array.from(values, () => values[Math.floor(random() * values.length)] as number))
  const ratios = Float64Array.from({ length: resamples }, () => resample(above) / resample(below)).sort()
  return [ratios[Math.floor(0.025 * resamples)] as number, ratios[Math.ceil(0.975 * resamples) - 1] as number]
}

/** Two-sided p that both come from one distribution: Mann-Whitney U, normal approximation with correction for ties and continuity. */
export function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((value) => ({ value, a: true })), ...b.map((value) => ({ value, a: false }))]
  all.sort((x, y) => x.value - y.value)
  let rankSum = 0
  let ties = 0
  for (let begin = 0; begin < all.length; ) {
    let end = begin + 1
    while (all[end]?.value === all[begin]?.value && end < all.length) end++
    const size = end - begin
    ties += size ** 3 - size
    for (const one of all.slice(begin, end)) if (one.a) rankSum += (begin + 1 + end) / 2
    begin = end
  }
  const n = all.length
  const pairs = a.length * b.length
  const u = rankSum - (a.length * (a.length + 1)) / 2
  const sigma = Math.sqrt((pairs / 12) * (n + 1 - ties / (n * (n - 1))))
  if (sigma === 0) return 1
  const z = Math.max(Math.abs(u - pairs / 2) - 0.5, 0) / sigma
  return Math.min(1, 2 * upperTail(z))
}

/** P(Z > z) of a standard normal, z ≥ 0; error below 7.5e-8 (Abramowitz & Stegun 26.2.17). */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z)
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series
}

/** Which of `pValues` are significant together, at a false discovery rate of `q` (Benjamini & Hochberg, 1995). */
export function benjaminiHochberg(pValues: readonly number[], q: number): boolean[] {
  const order = pValues.map((p, i) => ({ p, i })).sort((x, y) => x.p - y.p)
  const last = order.findLastIndex(({ p }, rank) => p <= ((rank + 1) / order.length) * q)
  const significant = new Array<boolean>(pValues.length).fill(false)
  for (const { i } of order.slice(0, last + 1)) significant[i] = true
  return significant
}
