import type { Fill, KernelCase, Shape } from "../../define-kernel.ts"
import { tolerances } from "./reference.ts"
import type { UnaryOp, UnaryProblem } from "./unary.ts"

type Case = KernelCase<UnaryProblem, Record<string, unknown>, "flat">

const positive: Fill = { kind: "uniform", low: 1e-3, high: 8 }
const landmarks = [0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 6, -6, 1e4, -1e4, 1e-20, 1e30, -1e30]

/** Values that a function has a finite, accurate answer for. */
function domain(op: string): { usual: Fill; far: Fill; near: Fill; values: number[] } {
  if (op === "sqrt" || op === "log" || op === "reciprocal")
    return {
      usual: positive,
      far: { kind: "uniform", low: 1e3, high: 1e6 },
      near: { kind: "uniform", low: 1e-6, high: 1e-3 },
      values: [1, 0.5, 2, 4, 1e4, 1e-20, 1e30],
    }
  const most = { sin: Math.PI, cos: Math.PI, tan: 1.4 }[op]
  if (most !== undefined)
    return {
      usual: { kind: "uniform", low: -most, high: most },
      far: { kind: "uniform", low: 0.9 * most, high: most },
      near: { kind: "uniform", low: -1e-3, high: 1e-3 },
      values: [0, 1, -1, 0.5, -0.5, 1e-20],
    }
  return {
    usual: { kind: "uniform", low: -4, high: 4 },
    far: { kind: "uniform", low: -40, high: 40 },
    near: { kind: "uniform", low: -1e-3, high: 1e-3 },
    values: op === "exp" ? [0, 1, -1, 80, -80] : landmarks,
  }
}

const attributesOf: Record<string, Record<string, unknown>[]> = {
  clip: [{ low: -1, high: 2.5 }, { low: 0.25 }, { high: -0.5 }],
  "leaky-relu": [{}, { alpha: -1.5 }],
  "hard-sigmoid": [{}, { alpha: 0.7, beta: -0.25 }],
  "round-to": [{ step: 0.25, low: -9, high: 12 }, { step: 0.3 }],
  gelu: [{ approximate: "none" }, { approximate: "tanh" }],
}

/** The cases of one kernel. */
export function unaryCases(name: string): Case[] {
  const { usual, far, near, values } = domain(name)
  return (attributesOf[name] ?? [{}]).flatMap((attributes) => {
    const op = (attributes.approximate === "tanh" ? "gelu-tanh" : name) as UnaryOp
    const words = Object.entries(attributes).map(([key, value]) => `, ${key} ${value}`)
    const of = (title: string, shape: Shape, rest: Partial<Case> = {}): Case => ({
      name: title + words.join(""),
      shapes: [shape],
      fill: usual,
      attributes,
      tolerance: tolerances[op],
      ...rest,
    })
    return [
      of("one element", [1]),
      of("a scalar", []),
      of("nothing", [2, 0]),
      of("one workgroup", [64]),
      of("one workgroup less one", [63]),
      of("one workgroup and one", [65]),
      of("fours, one workgroup and one", [65, 4]),
      of("three axes", [3, 5, 7]),
      of("far from zero", [300], { fill: far }),
      of("around zero", [200], { fill: near }),
      of("landmarks", [values.length], { fill: { kind: "values", values } }),
      ...(name === "relu"
        ? [of("over 65,535 workgroups", [65_537 * 16 + 1], { tuning: { WG: 16 }, large: true })]
        : []),
    ]
  })
}
