import type { KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import { broadcast, permuted, sliced, type View, wholeView } from "../../view.ts"
import type { CopyAttributes, CopyProblem } from "./copy.ts"

type Case = KernelCase<CopyProblem, CopyAttributes, "strided">

const of = (name: string, x: Shape, from: View, rest: Partial<Case> = {}): Case => ({
  name,
  shapes: [x],
  fill: { kind: "uniform", low: -1, high: 1 },
  attributes: { from, to: undefined, shape: undefined },
  tolerance: exact,
  ...rest,
})
const whole = (name: string, x: Shape, rest: Partial<Case> = {}) => of(name, x, wholeView(x), rest)
const six = [2, 3, 2, 4, 3, 5]

export const cases: Case[] = [
  whole("one element", [1]),
  whole("a scalar", []),
  whole("nothing", [3, 0, 2]),
  whole("one workgroup and one", [65]),
  whole("whole numbers", [70], { dtype: "int32", fill: { kind: "integers", low: -(2 ** 31), high: 2 ** 31 - 1 } }),
  whole("unsigned numbers", [9], { dtype: "uint32", fill: { kind: "integers", low: 0, high: 2 ** 32 - 1 } }),
  of("two axes exchanged", [9, 14], permuted(wholeView([9, 14]), [1, 0])),
  of("six axes, none of which runs on into another", six, permuted(wholeView(six), [4, 2, 0, 5, 3, 1])),
  of("every second of the middle, from the third on", [4, 9, 5], sliced(wholeView([4, 9, 5]), 1, 2, 3, 2)),
  of("backwards", [7, 3], sliced(wholeView([7, 3]), 0, 6, 7, -1)),
  of("broadcast", [3, 1, 2], broadcast(wholeView([3, 1, 2]), [2, 3, 4, 2])),
  of("to places in another order", six, wholeView(six), {
    attributes: {
      from: undefined,
      to: permuted(wholeView([3, 2, 5, 4, 2, 3]), [4, 0, 1, 3, 5, 2]),
      shape: [3, 2, 5, 4, 2, 3],
    },
  }),
  of("backwards, to places behind the first", [6], wholeView([6]), {
    attributes: { from: undefined, to: sliced(wholeView([6]), 0, 5, 6, -1), shape: [6] },
  }),
  whole("fours, one workgroup and one", [65, 4]),
  of("fours, two axes exchanged", [3, 5, 8], permuted(wholeView([3, 5, 8]), [1, 0, 2])),
  of("fours, every second row from the third on", [4, 9, 8], sliced(wholeView([4, 9, 8]), 1, 2, 3, 2)),
  of("fours, backwards", [7, 8], sliced(wholeView([7, 8]), 0, 6, 7, -1)),
  of("fours, each of one", [5, 1], broadcast(wholeView([5, 1]), [5, 8])),
  of("fours, six axes", [2, 3, 2, 4, 3, 8], permuted(wholeView([2, 3, 2, 4, 3, 8]), [4, 2, 0, 3, 1, 5])),
  of("fours of every row that begin with none", [5, 12], sliced(wholeView([5, 12]), 1, 2, 8)),
  of("fours in rows that have a broken one", [5, 10], sliced(wholeView([5, 10]), 1, 0, 8)),
  of("fours, to places in another order", [3, 5, 8], wholeView([3, 5, 8]), {
    attributes: { from: undefined, to: permuted(wholeView([5, 3, 8]), [1, 0, 2]), shape: [5, 3, 8] },
  }),
  of("fours, to rows backwards", [6, 8], wholeView([6, 8]), {
    attributes: { from: undefined, to: sliced(wholeView([6, 8]), 0, 5, 6, -1), shape: [6, 8] },
  }),
  of("over 65,535 workgroups", [257, 1025], permuted(wholeView([257, 1025]), [1, 0]), {
    tuning: { WG: 4 },
    large: true,
  }),
]
