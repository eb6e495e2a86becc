import { float16Value } from "../../protocol/float16.ts"
import type { Tensor } from "../../protocol/index.ts"

const numbers = ({ dtype, data }: Tensor) =>
  Array.from(data as ArrayLike<number | bigint>, (x) => (dtype === "float16" ? float16Value(Number(x)) : Number(x)))

/** The largest difference between two sides' outputs, in parts of the largest element. */
export function difference(ours: Record<string, Tensor>, theirs: Record<string, Tensor>): number {
  const each = Object.entries(ours).map(([name, tensor]) => {
    const [a, b] = [numbers(tensor), numbers(theirs[name]!)]
    const largest = b.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-9)
    return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0) / largest
  })
  return Math.max(...each)
}
