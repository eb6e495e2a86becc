import { JobList } from "../job-list.tsx"
import { jobs } from "../jobs.ts"
import { Card } from "../parts/card.tsx"
import { State } from "../parts/state.tsx"
import { t } from "../text.tsx"

/** What runs now, and what waits for its turn. */
export function QueueCard() {
  const now = jobs.value
  if (!now) return null
  const { running, waiting } = now
  const isWorking = running + waiting > 0
  return (
    <Card id="queue" title="queue" aside={<span class="small soft">{t("queueCounts", running, waiting)}</span>}>
      {/* Said when it begins and when it ends, not at each job. */}
      <State tone={isWorking ? "good" : "soft"} testId="working" state={isWorking ? "working" : "idle"}>
        {t(isWorking ? "working" : "idle")}
      </State>
      <JobList />
    </Card>
  )
}
