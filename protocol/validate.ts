import * as v from "valibot"
import { type ErrorCode, fail } from "./errors/index.ts"

/** `value` as `schema` has it, or an error that names the first field that is wrong and what was expected there. */
export function check<S extends v.GenericSchema>(schema: S, value: unknown, code: ErrorCode): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true })
  if (result.success) return result.output
  const issue = result.issues[0]
  const path = v.getDotPath(issue) ?? ""
  throw fail(code, {
    message: `${path || "The value"}: ${issue.message}`,
    data: { path, expected: issue.expected ?? issue.message },
  })
}
