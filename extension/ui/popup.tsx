import { signal } from "@preact/signals"
import { browser } from "wxt/browser"
import { isGrantable } from "../gate/origin.ts"
import { BridgeLine } from "./bridge-card.tsx"
import { DevicesCard } from "./devices-card.tsx"
import { MorePages } from "./more-pages.tsx"
import { OriginName } from "./origin-name.tsx"
import { type OwnerView, owner } from "./owner.ts"
import { ActionButton } from "./parts/action-button.tsx"
import { Card } from "./parts/card.tsx"
import { t } from "./text.tsx"
import { capabilityList, lifetimeWords } from "./words.ts"

/** The origin of the tab in front; undefined where it is a page that can't be granted anything. */
const site = signal<string | undefined>(undefined)

export function Popup() {
  const view = owner().value
  return (
    <main class="popup">
      <div class="row spread">
        <h1>{t("product")}</h1>
        <button type="button" onClick={() => void browser.runtime.openOptionsPage()}>
          {t("settings")}
        </button>
      </div>
      {view ? (
        <>
          <Site view={view} />
          <DevicesCard />
          <BridgeLine view={view} />
          <MorePages welcome />
        </>
      ) : (
        <p class="soft" role="status">
          {t("starting")}
        </p>
      )}
    </main>
  )
}

export async function findSite(): Promise<void> {
  const [tab] = await browser.tabs.query({ active: true, currentWindow: true })
  const origin = tab?.url && URL.canParse(tab.url) ? new URL(tab.url).origin : ""
  if (isGrantable(origin)) site.value = origin
}

function Site({ view: { peer, snapshot } }: { view: OwnerView }) {
  const origin = site.value
  if (!origin) return <p class="soft">{t("siteCannot")}</p>
  const grants = snapshot.grants.filter((grant) => grant.origin === origin)
  return (
    <Card id="site" title="thisSite">
      <OriginName origin={origin} />
      {grants.length === 0 && <p class="soft">{t("siteNothing")}</p>}
      {grants.map((grant) => (
        <p key={grant.lifetime + grant.grantedAt} class="small">
          {t("siteMay", capabilityList(grant.capabilities), lifetimeWords(grant))}
        </p>
      ))}
      {grants.length > 0 && (
        <div>
          <ActionButton
            look="danger"
            label="revoke"
            name={t("revokeName", origin)}
            testId="revoke"
            work={() => peer.call("grant.revoke", { origin })}
          />
        </div>
      )}
    </Card>
  )
}
