import { pairedHalves } from "../../halves.ts"
import type { CastProblem } from "./cast.ts"

export function reference(
  [x]: readonly (ArrayLike<number> | undefined)[],
  { to, truth, whole }: CastProblem,
): Float64Array {
  if (to === "float16") return Float64Array.from(pairedHalves(x!))
  if (truth) return Float64Array.from(x!, (value) => Number(value !== 0))
  return Float64Array.from(x!, to === "float32" && !whole ? Math.fround : Math.trunc)
}
