import type { Tolerance } from "../../define-kernel.ts"
import { TINY, ULP } from "../../tolerance.ts"
import { functions, tolerances } from "../unary/reference.ts"
import type { GatedProblem } from "./gated.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]
const constants = { alpha: 0, beta: 0 }

/** The gates and what they let through, each of y's shape. */
function sides([gate, up]: Inputs, { cols, fused }: GatedProblem): [gates: Float64Array, values: Float64Array] {
  if (!fused) return [Float64Array.from(gate!), Float64Array.from(up!)]
  const half = (offset: number) =>
    Float64Array.from({ length: gate!.length / 2 }, (_, i) => gate![i + Math.floor(i / cols) * cols + offset]!)
  return [half(0), half(cols)]
}

export function reference(inputs: Inputs, problem: GatedProblem): Float64Array {
  const [gates, values] = sides(inputs, problem)
  return values.map((value, i) => functions[problem.op](gates[i]!, constants) * value)
}

export const gatedError: Tolerance<GatedProblem> = {
  formula: "the function's own error · |up| + 2·ULP·|y| + TINY",
  bounds(inputs, problem, expected) {
    const [gates, values] = sides(inputs, problem)
    const opened = gates.map((gate) => functions[problem.op](gate, constants))
    const own = tolerances[problem.op].bounds([gates], { constants } as never, opened)
    return expected.map((y, i) => own[i]! * Math.abs(values[i]!) + 2 * ULP * Math.abs(y) + TINY)
  },
}
