import { asAccelerateError, type ErrorEntry, registry } from "../../protocol/index.ts"
import ar from "./error-sentences.ar.json" with { type: "json" }
import { ofThisCase } from "./of-this-case.ts"

/** What is said of each error, by its code, in the languages that screens speak beside the registry's own, English. */
const sentences: Record<string, Record<string, string | undefined>> = { ar }

/** What went wrong: the sentence that says what to do, and the code it is found by in docs/errors.md. Nothing where nothing did. */
export function Fault({ language, error }: { language: string; error: unknown }) {
  if (error === undefined) return null
  const { code, message } = asAccelerateError(error)
  return (
    <p role="alert" class="bad">
      <FaultWords language={language} code={code} message={message} />
    </p>
  )
}

/** `code` may be one that another version wrote down; without `message`, what was said of the very case, it speaks for itself. */
export interface Told {
  code: string
  message?: string
}

/** The same within a line. What was said of the very case is English: in another language it follows the code's own sentence. */
export function FaultWords({ language, code, message }: Told & { language: string }) {
  const general = (registry as Record<string, ErrorEntry | undefined>)[code]?.message ?? ""
  const sentence = sentences[language]?.[code]
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
