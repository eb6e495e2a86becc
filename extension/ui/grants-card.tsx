import { useSignal } from "@preact/signals"
import type { HeldGrant } from "../../protocol/index.ts"
import { OriginName } from "./origin-name.tsx"
import type { OwnerView } from "./owner.ts"
import { ActionButton } from "./parts/action-button.tsx"
import { Card } from "./parts/card.tsx"
import { isFoundBy } from "./site-search.ts"
import { SiteSwitch } from "./site-switch.tsx"
import { t } from "./text.tsx"
import { capabilityWords, date, lifetimeWords } from "./words.ts"

/** What sites may do, each with its switch and a way to take it back; found by any part of their address. */
export function GrantsCard({ view }: { view: OwnerView }) {
  const { grants, blocked } = view.snapshot
  const wanted = useSignal("")
  // By name, not by last use: a site at work would move while somebody is about to press its neighbour's button.
  const all = [...new Set([...grants.map(({ origin }) => origin), ...blocked])].sort()
  const found = all.filter((origin) => isFoundBy(origin, wanted.value))
  return (
    <Card id="sites" title="sites">
      {all.length === 0 && <p class="soft">{t("sitesNone")}</p>}
      {all.length > 0 && (
        <>
          <label>
            {t("sitesFind")}
            <input
              type="search"
              dir="ltr"
              spellcheck={false}
              data-testid="find-site"
              value={wanted.value}
              onInput={(event) => (wanted.value = event.currentTarget.value)}
            />
          </label>
          <p class="small soft" role="status">
            {t("sitesFound", found.length, all.length)}
          </p>
          <ul class="plain">
            {found.map((origin) => (
              <Site key={origin} view={view} origin={origin} />
            ))}
          </ul>
        </>
      )}
    </Card>
  )
}

function Site({ view, origin }: { view: OwnerView; origin: string }) {
  const grants = view.snapshot.grants.filter((grant) => grant.origin === origin)
  return (
    <li class="row spread" data-testid="site" data-origin={origin}>
      <div class="stack">
        <OriginName origin={origin} />
        {grants.map((grant) => (
          <Grant key={grant.lifetime + grant.grantedAt} grant={grant} />
        ))}
        <SiteSwitch view={view} origin={origin} />
      </div>
      {grants.length > 0 && (
        <ActionButton
          look="danger"
          label="revoke"
          name={t("revokeName", origin)}
          testId="revoke"
          work={() => view.peer.call("grant.revoke", { origin })}
        />
      )}
    </li>
  )
}

function Grant({ grant }: { grant: HeldGrant }) {
  const { capabilities, models, grantedAt, usedAt } = grant
  return (
    <div class="stack" data-testid="grant">
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
