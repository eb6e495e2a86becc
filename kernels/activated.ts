import { type Activation, activationParams, clipped } from "./activation.ts"
import { functions, tolerances } from "./ops/unary/reference.ts"
import { ULP } from "./tolerance.ts"

const constants = { alpha: 0, beta: 0 }

/** The answer in float64. */
export function activated(value: number, activation: Activation | undefined): number {
  if (typeof activation === "string") return functions[activation](value, constants)
  return clipped(value, activationParams(activation))
}

/** The slope of SiLU is at most 1.1, those of the others 1. What the function itself adds is all but the same at a value that is off a little. */
const SLOPE = 1.1

/** How far from `activated` of `values` results may be that come from values off by `bounds`. */
export function activatedBounds(values: Float64Array, bounds: Float64Array, activation: Activation | undefined) {
  if (typeof activation !== "string") return bounds
  const results = values.map((value) => activated(value, activation))
  const own = tolerances[activation].bounds([values], { constants } as never, results)
  return bounds.map((bound, i) => SLOPE * bound + (1 + 2 ** 10 * ULP) * own[i]!)
}
