import { useCallback, useEffect, useState } from "preact/hooks"
import type { Methods, Peer, ResultOf, StoredModel } from "../../protocol/index.ts"
import { bytes, date } from "./words.ts"

type Listed = ResultOf<Methods["model.list"]>

/** The stored models, each with a way to delete it. */
export function ModelsCard({ peer, revision }: { peer: Peer; revision: unknown }) {
  const [listed, setListed] = useState<Listed>()
  const refresh = useCallback(() => void peer.call("model.list", {}).then(setListed, () => undefined), [peer])
  // biome-ignore lint/correctness/useExhaustiveDependencies: each snapshot says that something changed
  useEffect(refresh, [refresh, revision])
  const remove = async ({ sha256 }: StoredModel) => {
    await peer.call("model.delete", { sha256 })
    refresh()
  }
  return (
    <section class="card" aria-labelledby="models">
      <div class="row spread">
        <h2 id="models">Stored models</h2>
        {listed && (
          <span class="small soft">
            {bytes(listed.usedBytes)} of {bytes(listed.quotaBytes)}
          </span>
        )}
      </div>
      {listed?.models.length === 0 && <p class="soft">None yet. Models are kept here so that they load once.</p>}
      {listed && listed.models.length > 0 && (
        <ul class="plain">
          {listed.models.map((model) => (
            <li key={model.sha256} class="row spread" data-testid="model">
              <div class="stack">
                <span class="mono">
                  {model.references.find((ref) => !ref.startsWith("sha256:")) ?? "Uploaded by its site"}
                </span>
                <span class="small soft">
                  {bytes(model.bytes)}
                  {model.owners.length > 0 && `, from ${model.owners.join(", ")}`}, last used {date(model.usedAt)}
                </span>
                <span class="small soft mono">sha256 {model.sha256.slice(0, 16)}…</span>
              </div>
              <button
                type="button"
                class="danger"
                data-testid="delete-model"
                aria-label={`Delete the model ${model.references[0] ?? model.sha256}`}
                onClick={() => void remove(model)}
              >
                Delete
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
