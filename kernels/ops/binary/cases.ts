import type { Fill, GpuDtype, KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { BinaryOp, BinaryProblem } from "./binary.ts"
import { tolerances } from "./reference.ts"

type Case = KernelCase<BinaryProblem, Record<string, never>, "flat">

const fractions: Fill = { kind: "uniform", low: -3, high: 3 }
const awayFromZero: Fill = { kind: "uniform", low: 0.5, high: 3 }
const isWhole = (op: BinaryOp) => op === "remainder" || op === "modulo"
const compares = (op: BinaryOp) => op === "equal" || op.includes("less") || op.includes("greater")

/** What an op may be asked: no division by 0, of whole exponents those that a base below 0 has an answer for. */
function fills(op: BinaryOp, dtype: GpuDtype): readonly [Fill, Fill] {
  const whole = (low: number, high: number): Fill => ({ kind: "integers", low, high })
  if (isWhole(op))
    return dtype === "int32"
      ? [whole(-20, 20), { kind: "values", values: [3, -3, 5, -5, 7, -1, 2] }]
      : [whole(0, 900), whole(1, 9)]
  if (op === "pow") return [fractions, whole(-3, 4)]
  // Few values, so that some are equal.
  if (compares(op)) return dtype === "uint32" ? [whole(0, 4), whole(0, 4)] : [whole(-3, 3), whole(-3, 3)]
  if (dtype === "float32") return [fractions, op === "div" ? awayFromZero : fractions]
  if (dtype === "int32") return [whole(-900, 900), op === "div" ? whole(1, 7) : whole(-900, 900)]
  return op === "sub" ? [whole(1000, 2000), whole(0, 1000)] : [whole(0, 900), whole(1, 900)]
}

/** The cases of one op. */
export function casesOf(op: BinaryOp): Case[] {
  const of = (name: string, a: Shape, b: Shape, rest: Partial<Case> = {}): Case => ({
    name,
    shapes: [a, b],
    dtype: isWhole(op) ? "int32" : "float32",
    fill: fills(op, isWhole(op) ? "int32" : "float32"),
    tolerance: tolerances[op],
    ...rest,
  })
  const typed = (dtype: GpuDtype, a: Shape, b: Shape) =>
    of(`${dtype} [${a}] and [${b}]`, a, b, { dtype, fill: fills(op, dtype), tolerance: exact })
  return [
    of("one element", [1], [1]),
    of("a scalar each", [], []),
    of("nothing", [0, 3], [0, 3]),
    of("nothing and a scalar", [4, 0], []),
    of("one workgroup", [64], [64]),
    of("one workgroup less one", [63], [63]),
    of("one workgroup and one", [65], [65]),
    of("three axes", [3, 5, 7], [3, 5, 7]),
    of("a scalar on the right", [3, 70], []),
    of("one element on the left", [1], [129]),
    of("a row on the right", [6, 5], [5]),
    of("a column on the left", [6, 1], [6, 5]),
    of("a column and a row", [7, 1], [1, 9]),
    of("a channel's value for each pixel", [2, 3, 4, 5], [3, 1, 1]),
    of("six axes, none of which runs on into another", [2, 1, 3, 1, 2, 1], [1, 4, 1, 5, 1, 3]),
    of("six axes, the other way round", [1, 4, 1, 5, 1, 3], [2, 1, 3, 1, 2, 1]),
    of("fours, one workgroup and one", [65, 4], [65, 4]),
    of("fours, a scalar on the right", [3, 8], []),
    of("fours, a row on the right", [6, 8], [8]),
    of("fours, a column on the left", [6, 1], [6, 8]),
    of("fours, six axes", [2, 1, 3, 1, 2, 4], [1, 4, 1, 5, 1, 4]),
    of("fours, six axes, the left one still along the last", [2, 1, 3, 1, 2, 1], [1, 4, 1, 5, 1, 8]),
    ...(op === "pow"
      ? []
      : [
          typed("int32", [130], [130]),
          typed("int32", [5, 1], [7]),
          typed("int32", [5, 1], [8]),
          typed("uint32", [70], []),
        ]),
    ...(op === "pow"
      ? [
          of("powers of 0", [2], [2], { fill: [{ kind: "constant", value: 0 }, { kind: "values", values: [0, 2] }] }), // biome-ignore format: a fill an input
          of("broken exponents", [200], [200], { fill: [awayFromZero, fractions] }),
        ]
      : []),
    ...(op === "add"
      ? [
          of("large and small", [200], [200], { fill: { kind: "uniform", low: -1e18, high: 1e18 } }),
          of("over 65,535 workgroups", [65_537 * 16 + 1], [65_537 * 16 + 1], {
            fill: { kind: "integers", low: -50, high: 50 },
            tuning: { WG: 16 },
            tolerance: exact,
            large: true,
          }),
        ]
      : []),
  ]
}
