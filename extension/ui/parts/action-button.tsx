import { useAsking } from "../../../engine/agent/asking.ts"
import { Fault } from "../fault.tsx"
import { type MessageKey, t } from "../text.tsx"
import { useAction } from "./action.ts"

export interface ActionButtonProps {
  label: MessageKey
  /** What a screen reader says instead, where the label alone does not tell what it acts on. */
  name?: string
  look?: "primary" | "danger"
  /** Asked before it is done: what can't be undone. */
  sure?: string
  testId?: string
  disabled?: boolean
  work(): Promise<unknown>
}

/** A button that does something, and says beside it why that failed. */
export function ActionButton({ label, name, look, sure, testId, disabled, work }: ActionButtonProps) {
  const action = useAction(work)
  const { isOpen, open, close, button, keep } = useAsking()
  if (isOpen)
    return (
      <fieldset class="row sure">
        <legend class="small">{sure}</legend>
        <button type="button" ref={keep} onClick={close}>
          {t("keep")}
        </button>
        <button
          type="button"
          class="danger"
          data-testid={testId && `${testId}-sure`}
          onClick={() => {
            close()
            void action.run()
          }}
        >
          {t(label)}
        </button>
      </fieldset>
    )
  return (
    <>
      <button
        type="button"
        ref={button}
        class={look}
        aria-label={name}
        data-testid={testId}
        disabled={disabled}
        // Not disabled: it would lose the keyboard's focus.
        aria-disabled={action.busy.value}
        onClick={() => {
          if (sure) open()
          else void action.run()
        }}
      >
        {t(label)}
      </button>
      <Fault error={action.fault.value} />
    </>
  )
}
