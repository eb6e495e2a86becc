import type { AbsentDevice } from "../../protocol/index.ts"
import { AbsentDevices } from "./absent-devices.tsx"
import { t } from "./text.tsx"

/** On which devices a benchmark failed, and why. */
export function FailedDevices({ failed }: { failed: readonly AbsentDevice[] }) {
  if (failed.length === 0) return null
  return (
    <div class="stack">
      <p class="bad">{t("benchmarkFailed")}</p>
      <ul class="plain">
        <AbsentDevices absent={failed} tone="bad" testId="failed-device" />
      </ul>
    </div>
  )
}
