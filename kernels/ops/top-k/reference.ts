import { lineReader } from "../../shapes.ts"
import type { TopKProblem } from "./top-k.ts"

export function reference([x]: readonly (ArrayLike<number> | undefined)[], problem: TopKProblem): Float64Array {
  const { rows, cols, count, least } = problem
  const place = lineReader(problem)
  const target = lineReader({ ...problem, cols: count })
  const y = new Float64Array(rows * count)
  for (let row = 0; row < rows; row++) {
    const value = (i: number) => x![place(row, i)]! * (least ? 1 : -1)
    // Array.prototype.sort keeps equal ones in order.
    const order = Array.from({ length: cols }, (_, i) => i).sort((a, b) => value(a) - value(b))
    for (let i = 0; i < count; i++) y[target(row, i)] = order[i]!
  }
  return y
}
