import { signal } from "@preact/signals"
import { browser } from "wxt/browser"
import { isGrantable } from "../../gate/origin.ts"
import { Fault } from "../fault.tsx"
import { OriginName } from "../origin-name.tsx"
import type { OwnerView } from "../owner.ts"
import { ActionButton } from "../parts/action-button.tsx"
import { Card } from "../parts/card.tsx"
import { Switch } from "../parts/switch.tsx"
import { SiteSwitch } from "../site-switch.tsx"
import { t } from "../text.tsx"
import { usePrefer } from "../use-prefer.ts"
import { capabilityList, lifetimeWords } from "../words.ts"

interface Site {
  origin: string
  /** Its window is private. */
  isPrivate: boolean
}

/** What is in the tab in front; undefined where that is a page that can't be granted anything. */
const site = signal<Site | undefined>(undefined)

export async function findSite(): Promise<void> {
  const [tab] = await browser.tabs.query({ active: true, currentWindow: true })
  const origin = tab?.url && URL.canParse(tab.url) ? new URL(tab.url).origin : ""
  if (isGrantable(origin)) site.value = { origin, isPrivate: tab?.incognito === true }
}

/** The site in front: its switch, and what it may do. */
export function SiteCard({ view }: { view: OwnerView }) {
  const now = site.value
  if (!now) return <p class="soft">{t("siteCannot")}</p>
  return (
    <Card id="site" title="thisSite">
      <OriginName origin={now.origin} />
      {now.isPrivate && !view.snapshot.preferences.privateWindows ? (
        <PrivateOff view={view} />
      ) : (
        <Granted view={view} site={now} />
      )}
    </Card>
  )
}

/** No page in a private window can ask: where that is changed. */
function PrivateOff({ view }: { view: OwnerView }) {
  const { prefer, fault } = usePrefer(view)
  return (
    <>
      <p class="small">{t("sitePrivateOff")}</p>
      <Switch
        on={false}
        label={t("privateWindows")}
        note={t("privateWindowsNote")}
        testId="private-windows"
        onChange={() => void prefer({ privateWindows: true })}
      />
      <Fault error={fault} />
    </>
  )
}

function Granted({ view, site: { origin, isPrivate } }: { view: OwnerView; site: Site }) {
  const { peer, snapshot } = view
  const all = snapshot.grants.filter((grant) => grant.origin === origin)
  // As the gate has it: what outlasts a page does not hold in a private window.
  const grants = all.filter(({ lifetime }) => !isPrivate || lifetime === "once")
  const isOff = snapshot.blocked.includes(origin)
  return (
    <>
      {isPrivate && <p class="small">{t("sitePrivate")}</p>}
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
            sure={grants.length < all.length ? t("revokeSure", origin) : undefined}
            testId="revoke"
            work={() => peer.call("grant.revoke", { origin })}
          />
        </div>
      )}
    </>
  )
}
