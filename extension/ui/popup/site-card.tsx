import { signal } from "@preact/signals"
import { browser } from "wxt/browser"
import { isGrantable } from "../../gate/origin.ts"
import { OriginName } from "../origin-name.tsx"
import type { OwnerView } from "../owner.ts"
import { ActionButton } from "../parts/action-button.tsx"
import { Card } from "../parts/card.tsx"
import { SiteSwitch } from "../site-switch.tsx"
import { t } from "../text.tsx"
import { capabilityList, lifetimeWords } from "../words.ts"

/** The origin of the tab in front; undefined where it is a page that can't be granted anything. */
const site = signal<string | undefined>(undefined)

export async function findSite(): Promise<void> {
  const [tab] = await browser.tabs.query({ active: true, currentWindow: true })
  const origin = tab?.url && URL.canParse(tab.url) ? new URL(tab.url).origin : ""
  if (isGrantable(origin)) site.value = origin
}

/** The site in front: its switch, and what it may do. */
export function SiteCard({ view }: { view: OwnerView }) {
  const origin = site.value
  const { peer, snapshot } = view
  if (!origin) return <p class="soft">{t("siteCannot")}</p>
  const grants = snapshot.grants.filter((grant) => grant.origin === origin)
  const isOff = snapshot.blocked.includes(origin)
  return (
    <Card id="site" title="thisSite">
      <OriginName origin={origin} />
      <SiteSwitch view={view} origin={origin} />
      {grants.length === 0 && !isOff && <p class="small soft">{t("siteNothing")}</p>}
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
