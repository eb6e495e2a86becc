import { useSignal } from "@preact/signals"
import type { JobEntry } from "../../../protocol/index.ts"
import { FaultWords } from "../fault.tsx"
import { jobs } from "../jobs.ts"
import type { OwnerView } from "../owner.ts"
import { ActionButton } from "../parts/action-button.tsx"
import { Card } from "../parts/card.tsx"
import { Dot, type Tone } from "../parts/state.tsx"
import { type MessageKey, t } from "../text.tsx"
import { date, milliseconds, referenceName, whoWords } from "../words.ts"

const outcomes: Record<JobEntry["outcome"], { key: MessageKey; tone: Tone }> = {
  done: { key: "jobDone", tone: "good" },
  failed: { key: "jobFailed", tone: "bad" },
  cancelled: { key: "jobCancelled", tone: "soft" },
}

/** Entries that are shown at first. */
const FIRST = 20

/** What ran, newest first. What was said of a job that failed is not kept: it may name what was computed. */
export function LogCard({ view: { peer } }: { view: OwnerView }) {
  const told = jobs.value
  const log = told?.log ?? []
  const all = useSignal(false)
  return (
    <Card id="log" title="log">
      <p class="small soft">{t("logWhat")}</p>
      {told && log.length === 0 && <p class="soft">{t("logEmpty")}</p>}
      {log.length > 0 && (
        <>
          <ul class="plain">
            {log.slice(0, all.value ? undefined : FIRST).map((entry) => (
              <Entry key={entry.id} entry={entry} />
            ))}
          </ul>
          <div class="row">
            {log.length > FIRST && !all.value && (
              <button type="button" onClick={() => (all.value = true)}>
                {t("logAll", log.length)}
              </button>
            )}
            <ActionButton
              look="danger"
              label="logClear"
              sure={t("logClearSure")}
              testId="clear-log"
              work={() => peer.call("job.clear", {})}
            />
          </div>
        </>
      )}
    </Card>
  )
}

function Entry({ entry }: { entry: JobEntry }) {
  const { model, origin, device, outcome, error, jobs: count, runMs, lastAt } = entry
  const { key, tone } = outcomes[outcome]
  return (
    <li data-testid="log-entry" data-outcome={outcome} data-origin={origin}>
      <div class="row spread">
        <strong>{referenceName(model)}</strong>
        <time class="small soft" dateTime={new Date(lastAt).toISOString()}>
          {date(lastAt)}
        </time>
      </div>
      <div class="small">
        <Dot tone={tone} />
        {t(key)} {error && <FaultWords code={error} />}
      </div>
      <div class="small soft">
        {count > 1
          ? t("logJobs", count, device, milliseconds(runMs / count))
          : t("logJob", device, milliseconds(runMs))}{" "}
        <bdi>{whoWords(origin)}</bdi>
      </div>
    </li>
  )
}
