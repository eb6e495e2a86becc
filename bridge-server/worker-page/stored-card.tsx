import { t } from "../page-parts/text.tsx"
import { bytes } from "../page-parts/words.ts"
import { AskingButton } from "./asking-button.tsx"
import type { BrowserWorker, WorkerView } from "./worker.ts"

/** What the bridge-server's models take on this computer, and a way to delete them. */
export function StoredCard({ worker, view: { stored } }: { worker: BrowserWorker; view: WorkerView }) {
  if (stored === undefined) return null
  return (
    <section class="card" aria-labelledby="stored">
      <h2 id="stored">{t("storedModels")}</h2>
      <p data-testid="stored" data-bytes={stored} class={stored === 0 ? "soft" : undefined}>
        {stored === 0 ? t("storedNone") : t("stored", bytes(stored))}
      </p>
      {stored > 0 && (
        <div class="row">
          <AskingButton
            label="deleteModels"
            testId="delete-models"
            question={t("deleteModelsSure", bytes(stored))}
            answers={[{ label: "deleteModels", testId: "delete-models-sure", act: () => worker.deleteModels() }]}
          />
        </div>
      )}
    </section>
  )
}
