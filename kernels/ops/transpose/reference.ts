import type { TransposeProblem } from "./transpose.ts"

export function reference(
  [x]: readonly (ArrayLike<number> | undefined)[],
  { rows, cols }: TransposeProblem,
): Float64Array {
  const y = new Float64Array(rows * cols)
  for (let row = 0; row < rows; row++) for (let col = 0; col < cols; col++) y[col * rows + row] = x![row * cols + col]!
  return y
}
