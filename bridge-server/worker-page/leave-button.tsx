import { t } from "../page-parts/text.tsx"
import { bytes } from "../page-parts/words.ts"
import { AskingButton } from "./asking-button.tsx"
import type { BrowserWorker } from "./worker.ts"

/** Leaves the bridge-server. Where its models are stored here, which nobody may miss on a borrowed machine, it asks whether they go too. */
export function LeaveButton({ worker, stored = 0 }: { worker: BrowserWorker; stored: number | undefined }) {
  if (stored === 0)
    return (
      <button type="button" class="danger" data-testid="forget" onClick={() => void worker.forget()}>
        {t("leave")}
      </button>
    )
  return (
    <AskingButton
      label="leave"
      testId="forget"
      question={t("leaveStored", bytes(stored))}
      answers={[
        { label: "leaveDelete", testId: "forget-delete", act: () => worker.forget({ deleteModels: true }) },
        { label: "leaveKeep", testId: "forget-keep", act: () => worker.forget() },
      ]}
    />
  )
}
