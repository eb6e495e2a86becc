import { live } from "./owner.ts"
import { Card } from "./parts/card.tsx"
import { t } from "./text.tsx"
import { bytes, referenceName } from "./words.ts"

/** The models that are loaded now, on which device, and for how many. */
export function LoadedCard() {
  return (
    <Card id="loaded" title="loaded" aside={<Jobs />}>
      <LoadedList />
    </Card>
  )
}

export function LoadedList() {
  const status = live("status.get").value
  if (!status) return null
  // Each page's session is one entry; those on one device share what is loaded.
  const loaded = new Map(status.sessions.map((session) => [`${session.model} ${session.device}`, session]))
  if (loaded.size === 0) return <p class="soft">{t("loadedNone")}</p>
  return (
    <ul class="plain">
      {[...loaded].map(([key, { model, device, leases, memoryBytes }]) => (
        <li key={key} data-testid="session" data-leases={leases}>
          <bdi title={model}>{referenceName(model)}</bdi>
          <div class="small soft">{t("loadedOn", device, bytes(memoryBytes), leases)}</div>
        </li>
      ))}
    </ul>
  )
}

export function Jobs() {
  const jobs = live("status.get").value?.jobs
  if (!jobs) return null
  const { running, waiting, done, failed } = jobs
  return (
    <span class="small soft" data-testid="jobs" data-running={running} data-waiting={waiting}>
      {t("jobCounts", running, waiting, done, failed)}
    </span>
  )
}
