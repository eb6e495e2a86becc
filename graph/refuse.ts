import { type AccelerateError, fail } from "../protocol/errors/index.ts"

/** The error for a model that is refused: `path` is where in the model (`graph.node[3].attribute[0].t`), `expected` what should be there. */
export function invalid(path: string, expected: string, cause?: unknown): AccelerateError {
  const message = `That is no valid ONNX model: at ${path || "the file"}, expected ${expected}.`
  return fail("IPFA_MODEL_INVALID", { message, data: { path, expected }, cause })
}

/** The error for a model that is past a limit. */
export function tooLarge(path: string, what: string, limit: number): AccelerateError {
  const expected = `at most ${limit} ${what}`
  const message = `The model is larger than is allowed here: at ${path || "the file"}, expected ${expected}.`
  return fail("IPFA_MODEL_TOO_LARGE", { message, data: { path, expected, limit } })
}

/** A name from a model, fit for a message or a path: short, and with nothing that isn't printable. */
export function quoted(name: string): string {
  const short = name.length > 80 ? `${name.slice(0, 77)}…` : name
  return JSON.stringify(short)
}
