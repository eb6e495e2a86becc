import * as v from "valibot"
import { type ErrorCode, fail } from "./errors/index.ts"

/** `value` as `schema` has it, or an error that names the first field that is wrong and what was expected there, never what was found. */
export function check<S extends v.GenericSchema>(schema: S, value: unknown, code: ErrorCode): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true })
  if (result.success) return result.output
  const [path, expected] = faultOf(result.issues[0])
  throw fail(code, {
    message: `${path || "The value"}: expected ${expected}.`,
    data: { path, expected },
  })
}

/** Where an issue is, and what was expected there. */
export function faultOf(issue: v.BaseIssue<unknown>): [path: string, expected: string] {
  const path = v.getDotPath(issue) ?? ""
  // A sentence of our own. valibot's quote what was found, which may be a prompt or a token.
  if (!issue.message.startsWith("Invalid ")) return [path, issue.message]
  if (!issue.expected) return [path, `a ${issue.type.replaceAll("_", " ")}`]
  return [path, /length|size/.test(issue.type) ? `a length ${issue.expected}` : issue.expected]
}
