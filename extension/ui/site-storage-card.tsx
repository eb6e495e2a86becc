import { isGrantable } from "../gate/origin.ts"
import { OriginName } from "./origin-name.tsx"
import { live, type OwnerView } from "./owner.ts"
import { ActionButton } from "./parts/action-button.tsx"
import { Card } from "./parts/card.tsx"
import { t } from "./text.tsx"
import { bytes, whoWords } from "./words.ts"

/** How much each site stored, and a way to delete it. */
export function SiteStorageCard({ view: { peer } }: { view: OwnerView }) {
  const models = live("model.list").value?.models
  const bySite = new Map<string, { models: number; bytes: number }>()
  for (const { broughtBy, bytes: size } of models ?? [])
    for (const who of broughtBy) {
      const sum = bySite.get(who) ?? { models: 0, bytes: 0 }
      bySite.set(who, { models: sum.models + 1, bytes: sum.bytes + size })
    }
  const sites = [...bySite].sort(([, a], [, b]) => b.bytes - a.bytes)
  return (
    <Card id="site-storage" title="siteStorage">
      {models && sites.length === 0 && <p class="soft">{t("siteStorageNone")}</p>}
      {sites.length > 0 && (
        <ul class="plain">
          {sites.map(([who, sum]) => (
            <li key={who} class="row spread" data-testid="site-storage" data-origin={who}>
              <div class="stack">
                {isGrantable(who) ? <OriginName origin={who} /> : <strong>{whoWords(who)}</strong>}
                <span class="small soft">{t("siteStored", sum.models, bytes(sum.bytes))}</span>
              </div>
              <ActionButton
                look="danger"
                label="delete"
                name={t("siteStorageDelete", whoWords(who))}
                sure={t("siteStorageSure", whoWords(who))}
                testId="clear-site"
                work={() => peer.call("model.clear", { origin: who })}
              />
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
