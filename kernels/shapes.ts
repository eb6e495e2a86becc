import { fail } from "../protocol/errors/error.ts"
import type { Shape } from "./define-kernel.ts"
import { elems } from "./gpu-tensor.ts"

/** What a kernel that runs along one axis is told: `rows` lines of `cols` elements, which lie `inner` apart. */
export interface Lines {
  readonly axis: number
  readonly rows: number
  readonly cols: number
  readonly inner: number
}

/** `shape` as lines along `axis`, which counts from the end where it is below 0. Throws IPFA_INPUT_SHAPE where there is no such axis. */
export function linesAlong(op: string, shape: Shape, axis: number): Lines {
  const at = axis < 0 ? axis + shape.length : axis
  const cols = Number.isInteger(at) ? shape[at] : undefined
  if (cols === undefined)
    throw fail("IPFA_INPUT_SHAPE", { message: `${op}: [${shape}] has no axis ${axis}.`, data: { path: "axis" } })
  return { axis: at, rows: elems(shape.toSpliced(at, 1)), cols, inner: elems(shape.slice(at + 1)) }
}

/** The elements of `x` line by line, for references; `place` is where an element of a line lies. */
export function lineReader({ cols, inner }: Lines): (row: number, i: number) => number {
  return (row, i) => (Math.floor(row / inner) * cols + i) * inner + (row % inner)
}

export function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n))
}
