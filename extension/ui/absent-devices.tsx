import { byReason } from "../../engine/agent/screen-words.ts"
import type { AbsentDevice } from "../../protocol/index.ts"
import { Dot, type Tone } from "./parts/state.tsx"

interface AbsentDevicesProps {
  absent: readonly AbsentDevice[]
  tone: Tone
  testId: string
}

/** Items of a list: devices that can't be had, those with the same reason together. */
export function AbsentDevices({ absent, tone, testId }: AbsentDevicesProps) {
  return (
    <>
      {byReason(absent).map(([reason, devices]) => (
        <li key={reason} class="soft" data-testid={testId}>
          <Dot tone={tone} />
          <bdi>{devices.map(({ id }) => id).join(", ")}</bdi>
          {/* Reasons come from where the device was looked for, in English. */}
          <div class="small" lang="en" dir="auto">
            {reason}
          </div>
        </li>
      ))}
    </>
  )
}
