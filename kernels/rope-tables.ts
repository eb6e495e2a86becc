import { fail } from "../protocol/errors/error.ts"

/** How a model reaches beyond the positions it was trained on. Lengths are in tokens. */
export type RopeScaling =
  /** Positions are divided by `factor` (kaiokendev; Chen et al., arXiv 2306.15595). */
  | { readonly kind: "linear"; readonly factor: number }
  /** The base is raised so that the slowest pair turns `factor` times slower, and the fastest as before ("NTK-aware", bloc97). */
  | { readonly kind: "ntk"; readonly factor: number }
  /** Pairs that turn often within the original length stay, those that turn seldom are slowed by `factor` (Peng et al., arXiv 2309.00071). */
  | {
      readonly kind: "yarn"
      readonly factor: number
      readonly originalLength: number
      /** Turns within the original length from which on a pair stays; 32 unless given. */
      readonly fastTurns?: number
      /** Turns up to which a pair is slowed in full; 1 unless given. */
      readonly slowTurns?: number
      /** What cos and sin are multiplied by; 0.1·ln(factor) + 1 unless given. */
      readonly attentionFactor?: number
    }
  /** As YaRN, by wave lengths and with bounds of its own (Llama 3.1's release). */
  | {
      readonly kind: "llama3"
      readonly factor: number
      readonly originalLength: number
      readonly lowFrequencyFactor: number
      readonly highFrequencyFactor: number
    }

export interface RopeOptions {
  /** Turned dimensions of a head: even. */
  readonly dims: number
  /** Positions from 0 that the tables have rows for. */
  readonly positions: number
  /** Often called theta; 10,000 unless given. */
  readonly base?: number
  readonly scaling?: RopeScaling
}

const clampUnit = (x: number) => Math.min(Math.max(x, 0), 1)

/** Radians that each of the dims / 2 pairs turns by from one position to the next. */
export function ropeFrequencies({ dims, base = 10_000, scaling }: Omit<RopeOptions, "positions">): Float64Array {
  if (!(Number.isInteger(dims / 2) && dims > 0 && base > 1 && (scaling?.factor ?? 1) >= 1))
    throw fail("IPFA_INPUT_INVALID", {
      message: "Rotary tables take an even number of dimensions, a base above 1 and a factor from 1 on.",
      data: { path: "rope" },
    })
  const plain = (from: number) => Float64Array.from({ length: dims / 2 }, (_, i) => from ** ((-2 * i) / dims))
  const frequencies = plain(base)
  switch (scaling?.kind) {
    case undefined:
      return frequencies
    case "linear":
      return frequencies.map((frequency) => frequency / scaling.factor)
    case "ntk":
      return dims === 2 ? frequencies : plain(base * scaling.factor ** (dims / (dims - 2)))
    case "yarn": {
      // The pair, counted from 0 and not whole, that turns so often within the original length.
      const pairOf = (turns: number) =>
        (dims * Math.log(scaling.originalLength / (turns * 2 * Math.PI))) / (2 * Math.log(base))
      const first = Math.max(Math.floor(pairOf(scaling.fastTurns ?? 32)), 0)
      const last = Math.min(Math.ceil(pairOf(scaling.slowTurns ?? 1)), dims - 1)
      return frequencies.map((frequency, i) => {
        const slowed = clampUnit((i - first) / Math.max(last - first, 0.001))
        return (frequency * slowed) / scaling.factor + frequency * (1 - slowed)
      })
    }
    case "llama3": {
      const { factor, originalLength, lowFrequencyFactor: low, highFrequencyFactor: high } = scaling
      return frequencies.map((frequency) => {
        const turns = (originalLength * frequency) / (2 * Math.PI)
        const kept = clampUnit((turns - low) / (high - low))
        return ((1 - kept) * frequency) / factor + kept * frequency
      })
    }
  }
}

/** cos and sin of each position's angles, float32 [positions, dims / 2]: what `rope` takes. */
export function ropeTables(options: RopeOptions): { cos: Float32Array<ArrayBuffer>; sin: Float32Array<ArrayBuffer> } {
  const frequencies = ropeFrequencies(options)
  const { scaling, positions } = options
  const size = scaling?.kind === "yarn" ? (scaling.attentionFactor ?? 0.1 * Math.log(scaling.factor) + 1) : 1
  const pairs = frequencies.length
  const table = (f: (angle: number) => number) =>
    Float32Array.from(
      { length: positions * pairs },
      (_, i) => size * f(Math.floor(i / pairs) * frequencies[i % pairs]!),
    )
  return { cos: table(Math.cos), sin: table(Math.sin) }
}
