import { type AccelerateError, fail } from "../../../protocol/index.ts"

/** What is wrong in a request: where, and what was expected there. */
export function invalid(path: string, expected: string): AccelerateError {
  return fail("IPFA_INPUT_INVALID", {
    message: `${path || "The body"}: expected ${expected}.`,
    data: { path, expected },
  })
}
