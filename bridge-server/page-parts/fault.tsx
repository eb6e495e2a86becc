import { asAccelerateError, fail } from "../../protocol/index.ts"

/** What went wrong: the sentence that says what to do, and the code it is found by in docs/errors.md. Nothing where nothing did. */
export function Fault({ error }: { error: unknown }) {
  if (error === undefined) return null
  const { code, message } = asAccelerateError(named(error))
  // The registry's sentences are English.
  return (
    <p role="alert" class="bad" lang="en" dir="ltr">
      {message} <span class="mono small">{code}</span>
    </p>
  )
}

/** What a page is told by each part of the browser's storage, where it may keep nothing. */
function named(error: unknown): unknown {
  const isDenied = error instanceof DOMException && error.name === "SecurityError"
  return isDenied ? fail("IPFA_STORE_DENIED", { cause: error }) : error
}
