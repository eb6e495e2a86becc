import { fail } from "../protocol/errors/error.ts"

/** IPFA_INPUT_SHAPE: `path` of the operation `op` is not `expected`. */
export const unfit = (op: string, path: string, expected: string): Error =>
  fail("IPFA_INPUT_SHAPE", { message: `${op} takes ${path} as ${expected}.`, data: { path, expected } })

/** IPFA_INPUT_INVALID, likewise: what is wrong is no shape. */
export const invalid = (op: string, path: string, expected: string): Error =>
  fail("IPFA_INPUT_INVALID", { message: `${op} takes ${path} as ${expected}.`, data: { path, expected } })
