import { fail } from "../../protocol/errors/error.ts"
import type { PackedFormat } from "./format.ts"

/** One way to pack a tensor: what it takes and what it loses, as measured. */
export interface Candidate<F extends PackedFormat = PackedFormat> {
  readonly format: F
  readonly bits: number
  readonly loss: number
}

/**
 * A candidate for each tensor, within `budgetBits` together and of little loss together: bits go step by step to the tensor whose loss they lessen most, bit for
 * bit. Never worse than one format for all tensors. Throws IPFA_INPUT_INVALID where the budget is below the smallest.
 */
export function assignFormats<F extends PackedFormat>(
  tensors: Readonly<Record<string, readonly Candidate<F>[]>>,
  budgetBits: number,
): Record<string, Candidate<F>> {
  const names = Object.keys(tensors)
  const chosen = new Map(names.map((name) => [name, smallest(tensors[name]!)]))
  let left = budgetBits - sumOf(chosen, "bits")
  if (!(left >= 0))
    throw fail("IPFA_INPUT_INVALID", {
      message: `${budgetBits} bits are fewer than the smallest formats take, ${budgetBits - left}.`,
      data: { path: "budgetBits", expected: `at least ${budgetBits - left}` },
    })
  for (;;) {
    let best: { name: string; to: Candidate<F>; gain: number } | undefined
    for (const [name, from] of chosen)
      for (const to of tensors[name]!) {
        const more = to.bits - from.bits
        if (to.loss >= from.loss || more > left) continue
        // What takes no more bits is free.
        const gain = more > 0 ? (from.loss - to.loss) / more : Number.POSITIVE_INFINITY
        if (!best || gain > best.gain) best = { name, to, gain }
      }
    if (!best) break
    left -= best.to.bits - chosen.get(best.name)!.bits
    chosen.set(best.name, best.to)
  }
  const formats = new Set(names.flatMap((name) => tensors[name]!.map(({ format }) => format)))
  const uniform = [...formats].flatMap((format) => {
    const same = new Map(names.map((name) => [name, tensors[name]!.find((one) => one.format === format)]))
    return [...same.values()].every((one) => one) ? [same as typeof chosen] : []
  })
  const within = [chosen, ...uniform.filter((all) => sumOf(all, "bits") <= budgetBits)]
  return Object.fromEntries(within.reduce((best, one) => (sumOf(one, "loss") < sumOf(best, "loss") ? one : best)))
}

function sumOf(chosen: ReadonlyMap<string, Candidate>, what: "bits" | "loss"): number {
  return [...chosen.values()].reduce((sum, one) => sum + one[what], 0)
}

function smallest<F extends PackedFormat>(candidates: readonly Candidate<F>[]): Candidate<F> {
  return candidates.reduce((best, one) =>
    one.bits < best.bits || (one.bits === best.bits && one.loss < best.loss) ? one : best,
  )
}
