import type { LiveJob } from "../../../protocol/index.ts"
import { Card } from "../parts/card.tsx"
import { Dot, State } from "../parts/state.tsx"
import { t } from "../text.tsx"
import { duration, referenceName, whoWords } from "../words.ts"
import { clock, jobs } from "./jobs.ts"

/** What runs now, and what waits for its turn. */
export function QueueCard() {
  const now = jobs.value
  if (!now) return null
  const { running, waiting, live } = now
  const isWorking = running + waiting > 0
  return (
    <Card id="queue" title="queue" aside={<span class="small soft">{t("queueCounts", running, waiting)}</span>}>
      {/* Said when it begins and when it ends, not at each job. */}
      <State tone={isWorking ? "good" : "soft"} testId="working" state={isWorking ? "working" : "idle"}>
        {t(isWorking ? "working" : "idle")}
      </State>
      {live.length > 0 && (
        <ul class="plain">
          {live.map((job) => (
            <Job key={job.id} job={job} />
          ))}
        </ul>
      )}
    </Card>
  )
}

function Job({ job: { origin, model, device, state, submittedAt, startedAt } }: { job: LiveJob }) {
  const elapsed = duration(Math.max(0, clock.value - (startedAt ?? submittedAt)))
  return (
    <li data-testid="job" data-state={state} data-device={device}>
      <Dot tone={state === "running" ? "good" : "soft"} />
      <strong>{referenceName(model)}</strong>
      <div class="small soft">
        {t(state === "running" ? "jobRuns" : "jobWaits", device, elapsed)} <bdi>{whoWords(origin)}</bdi>
      </div>
    </li>
  )
}
