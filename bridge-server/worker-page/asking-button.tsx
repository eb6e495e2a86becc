import { useLayoutEffect, useRef, useState } from "preact/hooks"
import { type MessageKey, t } from "../page-parts/text.tsx"

export interface Answer {
  label: MessageKey
  testId: string
  act(): Promise<void>
}

/** A button that asks before it does what can't be undone. Whoever pressed it by keyboard goes on from the question, and after that from here. */
export function AskingButton({
  label,
  testId,
  question,
  answers,
}: {
  label: MessageKey
  testId: string
  question: string
  /** What may be done; to do nothing is always one more. */
  answers: readonly Answer[]
}) {
  const [asking, setAsking] = useState(false)
  const cancel = useRef<HTMLButtonElement>(null)
  const self = useRef<HTMLButtonElement>(null)
  const wasAsking = useRef(false)
  useLayoutEffect(() => {
    if (asking) cancel.current?.focus()
    else if (wasAsking.current) self.current?.focus()
    wasAsking.current = asking
  }, [asking])
  if (!asking)
    return (
      <button type="button" class="danger" ref={self} data-testid={testId} onClick={() => setAsking(true)}>
        {t(label)}
      </button>
    )
  return (
    <fieldset class="row sure">
      <legend class="small">{question}</legend>
      <button type="button" ref={cancel} data-testid={`${testId}-cancel`} onClick={() => setAsking(false)}>
        {t("cancel")}
      </button>
      {answers.map(({ label, testId, act }) => (
        <button
          key={testId}
          type="button"
          class="danger"
          data-testid={testId}
          onClick={() => {
            setAsking(false)
            void act()
          }}
        >
          {t(label)}
        </button>
      ))}
    </fieldset>
  )
}
