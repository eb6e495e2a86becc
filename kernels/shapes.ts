import { fail } from "../protocol/errors/error.ts"
import type { Shape } from "./define-kernel.ts"
import { elems } from "./gpu-tensor.ts"

/** `shape` as rows along its last axis: `[…, cols]` is `rows × cols`. A scalar has no last axis and is refused. */
export function asRows(op: string, shape: Shape): { rows: number; cols: number } {
  const cols = shape.at(-1)
  if (cols === undefined)
    throw fail("IPFA_INPUT_SHAPE", {
      message: `${op} runs over the last axis, which a scalar has not.`,
      data: { path: "x" },
    })
  return { rows: elems(shape.slice(0, -1)), cols }
}

export function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n))
}
