import type { GatherProblem } from "./gather.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

/** `place` is where the index lies that element `at` of y is picked by. */
const picked =
  (place: (problem: GatherProblem, at: number) => number) =>
  ([x, indices]: Inputs, problem: GatherProblem): Float64Array => {
    const { outer, size, inner, count } = problem
    const y = new Float64Array(outer * count * inner)
    for (let at = 0; at < y.length; at++) {
      const given = indices![place(problem, at)]!
      const index = given < 0 ? given + size : given
      const row = Math.floor(at / (inner * count)) * size + index
      y[at] = index < 0 || index >= size ? 0 : x![row * inner + (at % inner)]!
    }
    return y
  }

export const rowsReference = picked(({ inner, count }, at) => Math.floor(at / inner) % count)
export const elementsReference = picked((_, at) => at)
