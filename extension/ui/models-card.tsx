import type { Peer, StoredModel } from "../../protocol/index.ts"
import { DEMO_SHA256 } from "./demo-model.ts"
import { Fault } from "./fault.tsx"
import { exportModel, importModel } from "./model-file.ts"
import { live, type OwnerView } from "./owner.ts"
import { useAction } from "./parts/action.ts"
import { ActionButton } from "./parts/action-button.tsx"
import { Card } from "./parts/card.tsx"
import { Meter } from "./parts/meter.tsx"
import { TransferLine, useTransfer } from "./parts/transfer.tsx"
import { t } from "./text.tsx"
import { bytes, date, modelName, referenceName, whoWords } from "./words.ts"

/** The stored models, each with ways to save it as a file and to delete it; and a way to bring one in. */
export function ModelsCard({ view: { peer } }: { view: OwnerView }) {
  const listed = live("model.list").value
  return (
    <Card id="models" title="storedModels">
      {listed && (
        <Meter
          label={t("onDisk", listed.models.length)}
          value={listed.usedBytes}
          max={listed.quotaBytes}
          text={t("bytesOf", bytes(listed.usedBytes), bytes(listed.quotaBytes))}
        />
      )}
      {listed?.models.length === 0 && <p class="soft">{t("storedNone")}</p>}
      {listed && listed.models.length > 0 && (
        <ul class="plain">
          {listed.models.map((model) => (
            <li key={model.sha256} class="row spread" data-testid="model" data-sha256={model.sha256}>
              <Model model={model} />
              <ModelButtons peer={peer} model={model} />
            </li>
          ))}
        </ul>
      )}
      <Import peer={peer} />
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

/** Whether it is there again when it is next asked for: by an address, or with the extension. */
const comesAgain = ({ references, sha256 }: StoredModel): boolean =>
  sha256 === DEMO_SHA256 || references.some((reference) => !reference.startsWith("sha256:"))

function ModelButtons({ peer, model }: { peer: Peer; model: StoredModel }) {
  const name = modelName(model.references, model.sha256)
  const saving = useTransfer()
  const save = () =>
    saving.run(t("exporting", name), model.bytes, async (tell) => t("exported", await exportModel(peer, model, tell)))
  return (
    <div class="row">
      <ActionButton label="export" name={t("exportName", name)} testId="export-model" work={save} />
      <ActionButton
        look="danger"
        label="delete"
        name={t("deleteModelName", name)}
        sure={comesAgain(model) ? undefined : t("deleteModelSure", name)}
        testId="delete-model"
        work={() => peer.call("model.delete", { sha256: model.sha256 })}
      />
      <TransferLine transfer={saving} testId="export-state" />
    </div>
  )
}

function Import({ peer }: { peer: Peer }) {
  const chosen: { file?: File } = {}
  const coming = useTransfer()
  const bring = useAction(async () => {
    const { file } = chosen
    if (!file) return
    await coming.run(t("importing", file.name), file.size, async (tell) =>
      t("imported", file.name, referenceName(await importModel(peer, file, tell))),
    )
  })
  return (
    <>
      <label>
        {t("importModel")}
        <input
          type="file"
          accept=".onnx"
          data-testid="import-model"
          disabled={bring.busy.value}
          onChange={({ currentTarget }) => {
            chosen.file = currentTarget.files?.[0]
            void bring.run().then(() => {
              currentTarget.value = ""
            })
          }}
        />
      </label>
      <p class="small soft">{t("importNote")}</p>
      <TransferLine transfer={coming} testId="import-state" />
      <Fault error={bring.fault.value} />
    </>
  )
}
