import type { Tolerance } from "../../define-kernel.ts"
import { elems } from "../../gpu-tensor.ts"
import { TINY, ULP } from "../../tolerance.ts"
import type { RopeProblem } from "./rope.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

/** The two products that each number is the sum of; a number that is not turned is the first. */
function products([x, cos, sin, positions]: Inputs, problem: RopeProblem): [kept: number, turned: number][] {
  const { shape, seq, heads, size, dims, headsFirst, interleaved, wide } = problem
  const half = dims / 2
  return Array.from({ length: elems(shape) }, (_, i) => {
    const e = i % size
    const head = i - e
    const row = Math.floor(i / size)
    const [batch, s] = headsFirst
      ? [Math.floor(row / (heads * seq)), row % seq]
      : [Math.floor(row / (heads * seq)), Math.floor(row / heads) % seq]
    if (e >= dims) return [x![i]!, 0]
    const given = { each: positions?.[batch * seq + s], first: positions && positions[0]! + s, none: batch * seq + s }
    const [pair, isFirst] = interleaved ? [Math.floor(e / 2), e % 2 === 0] : [e % half, e < half]
    const [first, second] = interleaved ? [2 * pair, 2 * pair + 1] : [pair, pair + half]
    const angle = given[problem.positions]! * (wide ? dims : half) + (wide ? e : pair)
    return isFirst
      ? [x![head + first]! * cos![angle]!, -x![head + second]! * sin![angle]!]
      : [x![head + second]! * cos![angle]!, x![head + first]! * sin![angle]!]
  })
}

export function reference(inputs: Inputs, problem: RopeProblem): Float64Array {
  return Float64Array.from(products(inputs, problem), ([kept, turned]) => kept + turned)
}

/** Two products and their sum. */
export const ropeError: Tolerance<RopeProblem> = {
  formula: "2.01·ULP·(|x·cos| + |x′·sin|) + 3·TINY where turned, else 0",
  bounds: (inputs, problem) =>
    Float64Array.from(products(inputs, problem), ([kept, turned], i) =>
      i % problem.size >= problem.dims ? 0 : 2.01 * ULP * (Math.abs(kept) + Math.abs(turned)) + 3 * TINY,
    ),
}
