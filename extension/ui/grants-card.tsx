import type { HeldGrant } from "../../protocol/index.ts"
import { OriginName } from "./origin-name.tsx"
import type { OwnerView } from "./owner.ts"
import { ActionButton } from "./parts/action-button.tsx"
import { Card } from "./parts/card.tsx"
import { t } from "./text.tsx"
import { capabilityWords, date, lifetimeWords } from "./words.ts"

/** What sites may do, each with a way to take it back. */
export function GrantsCard({ view: { peer, snapshot } }: { view: OwnerView }) {
  const { grants } = snapshot
  return (
    <Card id="sites" title="sites">
      {grants.length === 0 && <p class="soft">{t("sitesNone")}</p>}
      {grants.length > 0 && (
        <ul class="plain">
          {grants.map((grant) => (
            <li key={grant.origin + grant.lifetime + grant.grantedAt} class="row spread" data-testid="grant">
              <Grant grant={grant} />
              <ActionButton
                look="danger"
                label="revoke"
                name={t("revokeName", grant.origin)}
                testId="revoke"
                work={() => peer.call("grant.revoke", { origin: grant.origin })}
              />
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

function Grant({ grant }: { grant: HeldGrant }) {
  const { origin, capabilities, models, grantedAt, usedAt } = grant
  return (
    <div class="stack">
      <OriginName origin={origin} />
      <div class="row small">
        {capabilities.map((capability) => (
          <span key={capability} class="tag">
            {t(capabilityWords[capability].short)}
          </span>
        ))}
        <span class="soft">{lifetimeWords(grant)}</span>
      </div>
      <div class="small soft">
        {models.includes("*") ? t("modelsAny") : models.length === 0 ? t("modelsOwn") : <Models models={models} />}
      </div>
      <div class="small soft">{t("grantDates", date(grantedAt), date(usedAt))}</div>
    </div>
  )
}

function Models({ models }: { models: readonly string[] }) {
  return (
    <ul class="bare mono" dir="ltr">
      {models.map((model) => (
        <li key={model}>{model}</li>
      ))}
    </ul>
  )
}
