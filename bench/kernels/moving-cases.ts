/** Operations that only move. */
import { permuted, wholeView } from "../../kernels/index.ts"
import { int64s, ints, type OperationCase, operation, plainly } from "./operation.ts"

const transposed = (size: number) =>
  operation(
    {
      name: `transpose ${size}x${size} f32`,
      measures: ["transpose"],
      shapes: [[size, size]],
      output: [size, size],
      flops: 0,
      node: { opType: "Transpose", attribute: [ints("perm", [1, 0])] },
    },
    plainly((gpu, [x]) => gpu.transpose(x!)),
  )

/** [1, tokens, heads, size] → [1, heads, tokens, size] */
const headsFirst = (tokens: number, heads: number, size: number) =>
  operation(
    {
      name: `heads first ${tokens}x${heads}x${size} f32`,
      measures: ["copy"],
      shapes: [[1, tokens, heads, size]],
      output: [1, heads, tokens, size],
      flops: 0,
      node: { opType: "Transpose", attribute: [ints("perm", [0, 2, 1, 3])] },
    },
    plainly((gpu, [x]) => gpu.copy(x!, { from: permuted(wholeView(x!.shape), [0, 2, 1, 3]) })),
  )

function gathered(count: number, rows: number, cols: number): OperationCase {
  const indices = Array.from({ length: count }, (_, i) => (i * 37) % rows)
  return operation(
    {
      name: `gather ${count} of ${rows}x${cols} f32`,
      measures: ["gather"],
      shapes: [[rows, cols]],
      output: [count, cols],
      flops: 0,
      node: { opType: "Gather" },
      weights: [int64s("indices", [count], indices)],
    },
    (gpu, [x]) => {
      const which = gpu.tensor({ dtype: "int32", shape: [count], data: Int32Array.from(indices) })
      return () => gpu.gather(x!, which, { axis: 0 })
    },
  )
}

export const movingCases: readonly OperationCase[] = [
  transposed(1024),
  headsFirst(256, 12, 64),
  gathered(256, 4096, 768),
]
