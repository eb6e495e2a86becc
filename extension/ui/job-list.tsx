import type { LiveJob } from "../../protocol/index.ts"
import { clock, jobs } from "./jobs.ts"
import { Dot } from "./parts/state.tsx"
import { t } from "./text.tsx"
import { duration, referenceName, whoWords } from "./words.ts"

/** Each job that runs or waits: its model, where, for how long, and for whom. */
export function JobList() {
  const live = jobs.value?.live ?? []
  if (live.length === 0) return null
  return (
    <ul class="plain">
      {live.map((job) => (
        <Job key={job.id} job={job} />
      ))}
    </ul>
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
