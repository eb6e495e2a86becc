import { browser } from "wxt/browser"
import { BridgeLine, PairForm } from "../bridge-card.tsx"
import { DevicesCard } from "../devices-card.tsx"
import { MorePages } from "../more-pages.tsx"
import { owner } from "../owner.ts"
import { PauseButton, PauseLine } from "../pause.tsx"
import { Starting } from "../starting.tsx"
import { t } from "../text.tsx"
import { BenchmarkCard } from "./benchmark-card.tsx"
import { SiteCard } from "./site-card.tsx"
import { WorkCard } from "./work-card.tsx"

export function Popup() {
  const view = owner().value
  return (
    <main class="popup">
      <div class="row spread">
        <h1>{t("product")}</h1>
        <div class="row">
          {view && <PauseButton view={view} />}
          <button type="button" data-testid="settings" onClick={() => void browser.runtime.openOptionsPage()}>
            {t("settings")}
          </button>
        </div>
      </div>
      {view ? (
        <>
          <PauseLine view={view} />
          <SiteCard view={view} />
          <WorkCard />
          <DevicesCard view={view} />
          <BenchmarkCard view={view} />
          <BridgeLine view={view} />
          {view.snapshot.bridge.state === "none" && !view.snapshot.paused && (
            <details>
              <summary data-testid="pair-here">{t("pairHere")}</summary>
              <PairForm view={view} />
            </details>
          )}
          <MorePages welcome />
        </>
      ) : (
        <Starting />
      )}
    </main>
  )
}
