import { JobList } from "../job-list.tsx"
import { jobs } from "../jobs.ts"
import { LoadedList } from "../loaded-card.tsx"
import { live } from "../owner.ts"
import { Card } from "../parts/card.tsx"
import { Meter } from "../parts/meter.tsx"
import { language, t } from "../text.tsx"
import { bytes, modelName } from "../words.ts"

/** Stored models that are named, the last used first. */
const NAMED = 3

/** What runs now, what is loaded for it, and what is stored. */
export function WorkCard() {
  const now = jobs.value
  return (
    <Card
      id="work"
      title="now"
      aside={
        now && (
          <span
            class="small soft"
            role="status"
            data-testid="jobs"
            data-running={now.running}
            data-waiting={now.waiting}
          >
            {t("queueCounts", now.running, now.waiting)}
          </span>
        )
      }
    >
      <JobList />
      <LoadedList />
      <Stored />
    </Card>
  )
}

function Stored() {
  const stored = live("model.list").value
  if (!stored) return null
  const { models, usedBytes, quotaBytes } = stored
  const names = models
    .toSorted((a, b) => b.usedAt - a.usedAt)
    .slice(0, NAMED)
    .map(({ references, sha256 }) => modelName(references, sha256))
  if (models.length > NAMED) names.push(t("modelsMore", models.length - NAMED))
  return (
    <>
      <Meter
        label={t("onDisk", models.length)}
        value={usedBytes}
        max={quotaBytes}
        text={t("bytesOf", bytes(usedBytes), bytes(quotaBytes))}
      />
      {names.length > 0 && (
        <p class="small" data-testid="stored">
          <bdi>{new Intl.ListFormat(language()).format(names)}</bdi>
        </p>
      )}
    </>
  )
}
