import { lineReader } from "../../shapes.ts"
import type { SortProblem } from "./sort.ts"

/** Which of two numbers goes first, NaN as the largest; of equal ones neither. */
export function ordered(a: number, b: number, least: boolean): number {
  const [p, q] = least ? [a, b] : [b, a]
  if (Number.isNaN(p) || Number.isNaN(q)) return Number(Number.isNaN(p)) - Number(Number.isNaN(q))
  return Number(p > q) - Number(p < q)
}

export function reference([x]: readonly (ArrayLike<number> | undefined)[], problem: SortProblem): Float64Array {
  const { rows, cols, count, run: size, total, least } = problem
  const place = lineReader(problem)
  const target = lineReader({ ...problem, cols: total })
  const y = new Float64Array(rows * total)
  for (let row = 0; row < rows; row++) {
    const value = (i: number) => x![place(row, i)]!
    let at = 0
    for (let first = 0; first < cols; first += size) {
      const run = Array.from({ length: Math.min(size, cols - first) }, (_, i) => first + i)
      // Array.prototype.sort keeps equal ones in order.
      run.sort((a, b) => ordered(value(a), value(b), least))
      for (const i of run.slice(0, count)) y[target(row, at++)] = i
    }
  }
  return y
}
