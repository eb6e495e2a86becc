/** How many passes of each radix a transform is made of. */
export interface Passes {
  readonly fours: number
  readonly twos: 0 | 1
  readonly threes: number
  readonly fives: number
}

/** The passes of a transform of `length` numbers; undefined where that has another factor than 2, 3 and 5. */
export function passesOf(length: number): Passes | undefined {
  if (!Number.isInteger(length) || length < 1) return undefined
  let rest = length
  const count = (radix: number) => {
    let times = 0
    for (; rest % radix === 0; rest /= radix) times++
    return times
  }
  const passes = { fours: count(4), twos: count(2) as 0 | 1, threes: count(3), fives: count(5) }
  return rest === 1 ? passes : undefined
}

/** exp(−2πi·n / length) for each n, real and imaginary part by turns: [length, 2]. */
export function turnsOf(length: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: 2 * length }, (_, i) => {
    const angle = (2 * Math.PI * (i >> 1)) / length
    return i % 2 === 0 ? Math.cos(angle) : -Math.sin(angle)
  })
}
