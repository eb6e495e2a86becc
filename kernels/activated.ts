import { type Activation, type ActivationFunction, activationParams, clipped, isLeaky } from "./activation.ts"
import { functions, tolerances } from "./ops/unary/reference.ts"
import { TINY, ULP } from "./tolerance.ts"

const constants = { alpha: 0, beta: 0 }

/** The answer in float64. */
export function activated(value: number, activation: Activation | undefined): number {
  if (typeof activation === "string") return functions[activation](value, constants)
  const { low, high } = activationParams(activation)
  return isLeaky(activation) ? functions["leaky-relu"](value, { alpha: low, beta: 0 }) : clipped(value, { low, high })
}

/** The steepest that each is. */
const slopes: Record<ActivationFunction, number> = {
  sigmoid: 0.25,
  silu: 1.1,
  tanh: 1,
  gelu: 1.13,
  "gelu-tanh": 1.13,
  "hard-swish": 1.5,
}

/** How far from `activated` of `values` results may be that come from values off by `bounds`. */
export function activatedBounds(values: Float64Array, bounds: Float64Array, activation: Activation | undefined) {
  if (isLeaky(activation)) {
    const { low } = activationParams(activation)
    // A product more, of what is off already.
    return bounds.map(
      (bound, i) => Math.max(1, Math.abs(low)) * (bound * (1 + ULP) + ULP * Math.abs(values[i]!)) + TINY,
    )
  }
  if (typeof activation !== "string") return bounds
  const results = values.map((value) => activated(value, activation))
  const own = tolerances[activation].bounds([values], { constants } as never, results)
  // What the function itself adds is all but the same at a value that is off a little.
  return bounds.map((bound, i) => (1 + 2 ** 10 * ULP) * (slopes[activation] * bound + own[i]!))
}
