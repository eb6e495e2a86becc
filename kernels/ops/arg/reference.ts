import { lineReader } from "../../shapes.ts"
import type { ArgProblem } from "./arg.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

const arg =
  (precedes: (a: number, b: number) => boolean) =>
  ([x]: Inputs, problem: ArgProblem): Float64Array => {
    const place = lineReader(problem)
    return Float64Array.from({ length: problem.rows }, (_, row) => {
      let best = 0
      for (let i = 1; i < problem.cols; i++) {
        const [value, most] = [x![place(row, i)]!, x![place(row, best)]!]
        if (precedes(value, most) || (problem.last && value === most)) best = i
      }
      return best
    })
  }

export const references = { max: arg((a, b) => a > b), min: arg((a, b) => a < b) }
