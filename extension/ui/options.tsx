import { BridgeCard } from "./bridge-card.tsx"
import { DevicesCard } from "./devices-card.tsx"
import { EraseCard } from "./erase-card.tsx"
import { GrantsCard } from "./grants-card.tsx"
import { LimitsCard } from "./limits-card.tsx"
import { LoadedCard } from "./loaded-card.tsx"
import { ModelsCard } from "./models-card.tsx"
import { owner } from "./owner.ts"
import { PrivacyCard } from "./privacy-card.tsx"
import { SiteStorageCard } from "./site-storage-card.tsx"
import { Starting } from "./starting.tsx"
import { t } from "./text.tsx"

export function Options() {
  const view = owner().value
  return (
    <main class="page">
      <header class="stack">
        <h1>{t("product")}</h1>
        <p class="soft">{t("optionsLead")}</p>
      </header>
      {view ? (
        <>
          <GrantsCard view={view} />
          <SiteStorageCard view={view} />
          <ModelsCard view={view} />
          <LoadedCard />
          <LimitsCard view={view} />
          <BridgeCard view={view} />
          <DevicesCard view={view} />
          <PrivacyCard />
          <EraseCard view={view} />
        </>
      ) : (
        <Starting />
      )}
    </main>
  )
}
