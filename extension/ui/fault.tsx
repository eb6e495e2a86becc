import { asAccelerateError, type ErrorEntry, registry } from "../../protocol/index.ts"
import { ofThisCase } from "./of-this-case.ts"
import { errorSentence } from "./text.tsx"

/** What went wrong: the sentence that says what to do, and the code it is found by in docs/errors.md. Nothing where nothing did. */
export function Fault({ error }: { error: unknown }) {
  if (error === undefined) return null
  const { code, message } = asAccelerateError(error)
  return (
    <p role="alert" class="bad">
      <FaultWords code={code} message={message} />
    </p>
  )
}

/**
 * The same within a line. What was said of the very case is English: in another language it follows the code's own sentence. `code` may be one that
 * another version wrote down; without `message` it speaks for itself.
 */
export function FaultWords({ code, message }: { code: string; message?: string }) {
  const general = (registry as Record<string, ErrorEntry | undefined>)[code]?.message ?? ""
  const sentence = errorSentence(code)
  const details = message && ofThisCase(general, message)
  if (!sentence)
    return (
      <span lang="en" dir="ltr">
        {message ?? general} <span class="mono small">{code}</span>
      </span>
    )
  return (
    <>
      {sentence} <bdi class="mono small">{code}</bdi>{" "}
      {details && (
        <bdi class="small said" lang="en" dir="ltr">
          {details}
        </bdi>
      )}
    </>
  )
}
