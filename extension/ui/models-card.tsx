import type { StoredModel } from "../../protocol/index.ts"
import { live, type OwnerView } from "./owner.ts"
import { ActionButton } from "./parts/action-button.tsx"
import { Card } from "./parts/card.tsx"
import { t } from "./text.tsx"
import { bytes, date, modelName, whoWords } from "./words.ts"

/** The stored models, each with a way to delete it. */
export function ModelsCard({ view: { peer } }: { view: OwnerView }) {
  const listed = live("model.list").value
  const used = listed && (
    <span class="small soft">{t("bytesOf", bytes(listed.usedBytes), bytes(listed.quotaBytes))}</span>
  )
  return (
    <Card id="models" title="storedModels" aside={used}>
      {listed?.models.length === 0 && <p class="soft">{t("storedNone")}</p>}
      {listed && listed.models.length > 0 && (
        <ul class="plain">
          {listed.models.map((model) => (
            <li key={model.sha256} class="row spread" data-testid="model">
              <Model model={model} />
              <ActionButton
                look="danger"
                label="delete"
                name={t("deleteModelName", modelName(model.references, model.sha256))}
                testId="delete-model"
                work={() => peer.call("model.delete", { sha256: model.sha256 })}
              />
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

function Model({ model: { references, sha256, bytes: size, owners, usedAt } }: { model: StoredModel }) {
  return (
    <div class="stack">
      <strong>{modelName(references, sha256)}</strong>
      <span class="small soft">
        {owners.length > 0
          ? t("modelFrom", bytes(size), owners.map(whoWords).join(", "), date(usedAt))
          : t("modelUsed", bytes(size), date(usedAt))}
      </span>
      {references.map((reference) => (
        <bdi key={reference} class="small soft mono">
          {reference}
        </bdi>
      ))}
    </div>
  )
}
