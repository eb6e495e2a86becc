import { LoadedList } from "../loaded-card.tsx"
import { live } from "../owner.ts"
import { Card } from "../parts/card.tsx"
import { Meter } from "../parts/meter.tsx"
import { t } from "../text.tsx"
import { bytes } from "../words.ts"

/** What runs now, what is loaded for it, and what is stored. */
export function WorkCard() {
  const jobs = live("status.get").value?.jobs
  const stored = live("model.list").value
  return (
    <Card
      id="work"
      title="now"
      aside={
        jobs && (
          <span
            class="small soft"
            role="status"
            data-testid="jobs"
            data-running={jobs.running}
            data-waiting={jobs.waiting}
          >
            {t("queueCounts", jobs.running, jobs.waiting)}
          </span>
        )
      }
    >
      <LoadedList />
      {stored && (
        <Meter
          label={t("onDisk", stored.models.length)}
          value={stored.usedBytes}
          max={stored.quotaBytes}
          text={t("bytesOf", bytes(stored.usedBytes), bytes(stored.quotaBytes))}
        />
      )}
    </Card>
  )
}
