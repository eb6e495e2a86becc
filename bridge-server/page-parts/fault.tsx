import { asAccelerateError } from "../../protocol/index.ts"

/** What went wrong: the sentence that says what to do, and the code it is found by in docs/errors.md. Nothing where nothing did. */
export function Fault({ error }: { error: unknown }) {
  if (error === undefined) return null
  const { code, message } = asAccelerateError(error)
  // The registry's sentences are English.
  return (
    <p role="alert" class="bad" lang="en" dir="ltr">
      {message} <span class="mono small">{code}</span>
    </p>
  )
}
