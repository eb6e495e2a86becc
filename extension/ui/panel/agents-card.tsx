import { BridgeLine } from "../bridge-card.tsx"
import { DeviceList } from "../devices-card.tsx"
import { live, type OwnerView } from "../owner.ts"
import { Card } from "../parts/card.tsx"
import { t } from "../text.tsx"

/** This browser as a member of a fleet: by which name, of which bridge-server, with which devices. */
export function AgentsCard({ view }: { view: OwnerView }) {
  const status = live("status.get").value
  return (
    <Card id="agents" title="agents">
      {status && (
        <p>
          {t("thisAgent")} <bdi class="mono">{status.agent}</bdi>
        </p>
      )}
      <BridgeLine view={view} />
      <DeviceList />
    </Card>
  )
}
