import type { BinaryOp, BinaryProblem } from "./binary.ts"

type Reference = (inputs: readonly (ArrayLike<number> | undefined)[], problem: BinaryProblem) => Float64Array

const elementwise =
  (f: (a: number, b: number) => number): Reference =>
  ([a, b], { scalar }) =>
    Float64Array.from(a!, (value, i) => f(value, b![scalar ? 0 : i]!))

export const references: Record<BinaryOp, Reference> = {
  add: elementwise((a, b) => a + b),
  mul: elementwise((a, b) => a * b),
}
