import { lineReader } from "../../shapes.ts"
import { ordered } from "../sort/reference.ts"
import type { SortMergeProblem } from "./sort-merge.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

export function reference([x, runs]: Inputs, problem: SortMergeProblem): Float64Array {
  const { rows, length, total, size, count, least } = problem
  const place = lineReader(problem)
  const source = lineReader({ ...problem, cols: length })
  const target = lineReader({ ...problem, cols: total })
  const y = new Float64Array(rows * total)
  for (let row = 0; row < rows; row++) {
    const value = (i: number) => x![place(row, i)]!
    const all = Array.from({ length }, (_, i) => runs![source(row, i)]!)
    let at = 0
    for (let first = 0; first < length; first += 2 * size) {
      // Array.prototype.sort keeps equal ones in order, the left run's first.
      const pair = all.slice(first, first + 2 * size).sort((a, b) => ordered(value(a), value(b), least))
      for (const i of pair.slice(0, count)) y[target(row, at++)] = i
    }
  }
  return y
}
