import { BridgeCard } from "./bridge-card.tsx"
import { DevicesCard, useHardware } from "./devices-card.tsx"
import { GrantsCard } from "./grants-card.tsx"
import { LoadedCard } from "./loaded-card.tsx"
import { ModelsCard } from "./models-card.tsx"
import { useOwner } from "./owner-client.ts"
import { PreferencesCard } from "./preferences-card.tsx"

export function Options() {
  const { peer, snapshot } = useOwner()
  const report = useHardware(peer)
  return (
    <main class="page">
      <header class="stack">
        <h1>ipfs-accelerate</h1>
        <p class="soft">Sites that you allow run AI models in this browser, on this computer’s devices.</p>
      </header>
      {peer && snapshot ? (
        <>
          <GrantsCard
            grants={snapshot.grants}
            revoke={(origin) => void peer.call("grant.revoke", { origin }).catch(() => undefined)}
          />
          <ModelsCard peer={peer} revision={snapshot} />
          <LoadedCard peer={peer} revision={snapshot} />
          <BridgeCard peer={peer} bridge={snapshot.bridge} />
          <DevicesCard report={report} />
          <PreferencesCard peer={peer} preferences={snapshot.preferences} />
        </>
      ) : (
        <p class="soft">Starting …</p>
      )}
    </main>
  )
}
