import { places } from "../../view.ts"
import type { WhereProblem } from "./where.ts"

export function reference(
  [condition, a, b]: readonly (ArrayLike<number> | undefined)[],
  { views }: WhereProblem,
): Float64Array {
  const [when, left, right] = views.map(places)
  return Float64Array.from(when!, (place, i) => (condition![place] ? a![left![i]!]! : b![right![i]!]!))
}
