import { tellsNetwork, tellsPower } from "../../engine/agent/surroundings.ts"
import type { Preferences } from "../../protocol/index.ts"
import { DiskChoice } from "./disk-choice.tsx"
import { Fault } from "./fault.tsx"
import type { OwnerView } from "./owner.ts"
import { Card } from "./parts/card.tsx"
import { Choice } from "./parts/choice.tsx"
import { Switch } from "./parts/switch.tsx"
import { PauseButton, PauseLine } from "./pause.tsx"
import { language, type MessageKey, t } from "./text.tsx"
import { usePrefer } from "./use-prefer.ts"
import { bytes } from "./words.ts"

const GB = 1e9
const percent = (share: number) => share.toLocaleString(language(), { style: "percent" })

type Yes = "onBattery" | "onMetered" | "measureIdle" | "privateWindows"

/** What is yes or no, with what it means. */
const switches: [name: Yes, label: MessageKey, note: MessageKey, testId: string][] = [
  ["onBattery", "onBattery", "onBatteryNote", "on-battery"],
  ["onMetered", "onMetered", "onMeteredNote", "on-metered"],
  ["measureIdle", "measureIdle", "measureIdleNote", "measure-idle"],
  ["privateWindows", "privateWindows", "privateWindowsNote", "private-windows"],
]

/** Switches that do nothing in a browser that does not tell what they go by: what is so there whatever they say, and that in words. */
const untold: { [name in Yes]?: { tells: () => boolean; on: boolean; note: MessageKey } } = {
  onBattery: { tells: tellsPower, on: true, note: "onBatteryUntold" },
  onMetered: { tells: tellsNetwork, on: true, note: "onMeteredUntold" },
  measureIdle: { tells: tellsPower, on: false, note: "measureIdleUntold" },
}

/** What the person decides for the whole browser. */
export function LimitsCard({ view }: { view: OwnerView }) {
  const { preferences } = view.snapshot
  const { prefer, fault } = usePrefer(view)
  const choose = (name: "memoryBytes" | "gpuShare") => (value: number) => void prefer({ [name]: value })
  return (
    <Card id="limits" title="limits" aside={<PauseButton view={view} />}>
      <PauseLine view={view} />
      <Choice
        label={t("memory")}
        note={t("memoryNote")}
        testId="memory"
        value={preferences.memoryBytes}
        values={[0.25, 0.5, 1, 2, 4, 8, 16].map((count) => count * GB)}
        words={bytes}
        onChange={choose("memoryBytes")}
      />
      <DiskChoice view={view} />
      <Choice
        label={t("gpuShare")}
        note={t("gpuShareNote")}
        testId="gpu-share"
        value={preferences.gpuShare}
        values={[0.1, 0.25, 0.5, 0.75, 1]}
        words={percent}
        onChange={choose("gpuShare")}
      />
      {switches.map(([name, label, note, testId]) => {
        const without = untold[name]
        const fixed = without?.tells() === false ? without : undefined
        return (
          <Switch
            key={name}
            on={fixed?.on ?? preferences[name]}
            label={t(label)}
            note={t(fixed?.note ?? note)}
            testId={testId}
            disabled={fixed !== undefined}
            onChange={(on) => void prefer({ [name]: on } as Partial<Preferences>)}
          />
        )
      })}
      <Fault error={fault} />
    </Card>
  )
}
