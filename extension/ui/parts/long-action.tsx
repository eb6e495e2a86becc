import { type Signal, useSignal } from "@preact/signals"
import { Fault } from "../fault.tsx"
import { type MessageKey, t } from "../text.tsx"
import { useAction } from "./action.ts"

/** How far it is, in words and, where that is known, in numbers. */
export interface LongProgress {
  text: string
  done?: number | undefined
  of?: number
}

export interface LongActionProps {
  /** Under way; a signal of the page, since what shows it may be shown anew meanwhile. */
  running: Signal<AbortController | undefined>
  label: MessageKey
  /** What a screen reader calls the progress. */
  progressLabel: MessageKey
  /** Test ids are `run-NAME`, `cancel-NAME`, `NAME-progress`. */
  name: string
  work(signal: AbortSignal, tell: (progress: LongProgress) => void): Promise<unknown>
}

/** A button that starts something long, and ends it; its progress, and why it failed. */
export function LongAction({ running, label, progressLabel, name, work }: LongActionProps) {
  const progress = useSignal<LongProgress | undefined>(undefined)
  const start = useAction(async () => {
    const cancel = new AbortController()
    running.value = cancel
    progress.value = undefined
    try {
      await work(cancel.signal, (now) => (progress.value = now))
    } catch (error) {
      // Not where the person ended it.
      if (!cancel.signal.aborted) throw error
    } finally {
      running.value = undefined
    }
  })
  const at = progress.value
  const cancel = running.value
  return (
    <>
      {cancel && (
        <div class="stack" data-testid={`${name}-progress`}>
          <p class="small" role="status">
            {at?.text ?? t("benchmarkStarts")}
          </p>
          <progress aria-label={t(progressLabel)} value={at?.done} max={at?.of} />
        </div>
      )}
      <div>
        {/* One button, so that it keeps the keyboard's focus. */}
        <button
          key={name}
          type="button"
          data-testid={cancel ? `cancel-${name}` : `run-${name}`}
          onClick={() => (cancel ? cancel.abort() : void start.run())}
        >
          {t(cancel ? "cancel" : label)}
        </button>
      </div>
      <Fault error={start.fault.value} />
    </>
  )
}
