import { LoadedCard } from "../loaded-card.tsx"
import { ModelsCard } from "../models-card.tsx"
import { owner } from "../owner.ts"
import { Starting } from "../starting.tsx"
import { t } from "../text.tsx"
import { AgentsCard } from "./agents-card.tsx"
import { LogCard } from "./log-card.tsx"
import { QueueCard } from "./queue-card.tsx"

/** What goes on now, beside the pages that it is done for. */
export function Panel() {
  const view = owner().value
  return (
    <main class="page panel">
      <h1>{t("panelHeading")}</h1>
      {view ? (
        <>
          <QueueCard />
          <LogCard view={view} />
          <AgentsCard view={view} />
          <LoadedCard />
          <ModelsCard view={view} />
        </>
      ) : (
        <Starting />
      )}
    </main>
  )
}
