import { BridgeLine } from "../bridge-card.tsx"
import { DeviceList } from "../devices-card.tsx"
import { live, type OwnerView } from "../owner.ts"
import { Card } from "../parts/card.tsx"
import { t } from "../text.tsx"

/**
 * This browser as a member of a fleet: by which name, of which bridge-server, with which devices. An agent has no right to know the others;
 * its owner's dashboard has them.
 */
export function AgentsCard({ view }: { view: OwnerView }) {
  const status = live("status.get").value
  const { state, url } = view.snapshot.bridge
  return (
    <Card id="agents" title="agents">
      {status && (
        <p>
          {t("thisAgent")} <bdi class="mono">{status.agent}</bdi>
        </p>
      )}
      <BridgeLine view={view} />
      {url && state === "connected" && (
        <p class="small">
          <a data-testid="fleet" href={dashboardOf(url)} target="_blank" rel="noreferrer">
            {t("agentsOthers")}
          </a>
        </p>
      )}
      <DeviceList />
    </Card>
  )
}

/** The dashboard of the bridge-server whose agents' address is `url`. */
const dashboardOf = (url: string): string => new URL("/dashboard", url.replace(/^ws/, "http")).href
