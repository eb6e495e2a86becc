import { useAsking } from "../../engine/agent/asking.ts"
import { type MessageKey, t } from "../page-parts/text.tsx"

export interface Answer {
  label: MessageKey
  testId: string
  act(): Promise<void>
}

/** A button that asks before it does what can't be undone. */
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
  const { isOpen, open, close, button, keep } = useAsking()
  if (!isOpen)
    return (
      <button type="button" class="danger" ref={button} data-testid={testId} onClick={open}>
        {t(label)}
      </button>
    )
  return (
    <fieldset class="row sure">
      <legend class="small">{question}</legend>
      <button type="button" ref={keep} data-testid={`${testId}-cancel`} onClick={close}>
        {t("cancel")}
      </button>
      {answers.map(({ label, testId, act }) => (
        <button
          key={testId}
          type="button"
          class="danger"
          data-testid={testId}
          onClick={() => {
            close()
            void act()
          }}
        >
          {t(label)}
        </button>
      ))}
    </fieldset>
  )
}
