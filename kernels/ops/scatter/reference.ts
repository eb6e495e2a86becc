import type { Tolerance } from "../../define-kernel.ts"
import { elems } from "../../gpu-tensor.ts"
import { untouched } from "../../run-case.ts"
import { gamma, TINY } from "../../tolerance.ts"
import type { ScatterProblem } from "./scatter.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

const joined: Record<ScatterProblem["reduction"], (a: number, b: number) => number> = {
  none: (_, b) => b,
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  min: Math.min,
  max: Math.max,
}

export function reference([places, updates]: Inputs, { dtype, shape, reduction }: ScatterProblem): Float64Array {
  return scattered(places!, updates!, reduction, new Float64Array(elems(shape)).fill(untouched(dtype)))
}

function scattered(
  places: ArrayLike<number>,
  updates: ArrayLike<number>,
  reduction: ScatterProblem["reduction"],
  y: Float64Array,
): Float64Array {
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!
    if (place >= 0 && place < y.length) y[place] = joined[reduction](y[place]!, updates[i]!)
  }
  return y
}

/** One rounding for each update of a place: at most as many as a line has. */
export const joinError: Tolerance<ScatterProblem> = {
  formula: "γ(cols)·(Σ|updates| + |what was there|), or of a product γ(cols)·|y|, + TINY",
  bounds([places, updates], { cols, dtype, shape, reduction }, expected) {
    if (reduction === "mul") return expected.map((y) => gamma(cols) * Math.abs(y) + TINY)
    const there = new Float64Array(elems(shape)).fill(Math.abs(untouched(dtype)))
    return scattered(places!, Array.from(updates!, Math.abs), "add", there).map((sum) => gamma(cols) * sum + TINY)
  },
}
