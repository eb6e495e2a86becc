import { openPage, openPanel } from "../open-page.ts"
import { ActionButton } from "./parts/action-button.tsx"
import { t } from "./text.tsx"

/** Ways to the other screens. */
export function MorePages({ welcome = false }: { welcome?: boolean }) {
  return (
    <nav class="row" aria-label={t("morePages")}>
      <ActionButton label="openPanel" testId="open-panel" work={openPanel} />
      <ActionButton label="benchmarks" testId="open-benchmarks" work={() => openPage("benchmarks")} />
      {welcome && <ActionButton label="openWelcome" testId="open-welcome" work={() => openPage("welcome")} />}
    </nav>
  )
}
