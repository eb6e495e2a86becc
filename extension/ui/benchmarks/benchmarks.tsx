import { owner } from "../owner.ts"
import { Starting } from "../starting.tsx"
import { t } from "../text.tsx"
import { ResultsCard } from "./results-card.tsx"
import { RunCard } from "./run-card.tsx"

/** How fast models run here. */
export function Benchmarks() {
  const view = owner().value
  return (
    <main class="page">
      <header class="stack">
        <h1>{t("benchmarks")}</h1>
        <p class="soft">{t("benchmarksLead")}</p>
      </header>
      {view ? (
        <>
          <RunCard view={view} />
          <ResultsCard view={view} />
        </>
      ) : (
        <Starting />
      )}
    </main>
  )
}
