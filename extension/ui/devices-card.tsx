import { byReason } from "../../engine/agent/screen-words.ts"
import type { AbsentDevice, DeviceInfo } from "../../protocol/index.ts"
import { live, type OwnerView } from "./owner.ts"
import { Card } from "./parts/card.tsx"
import { Dot } from "./parts/state.tsx"
import { t } from "./text.tsx"
import { TuneKernels } from "./tune-kernels.tsx"
import { adapterWords, deviceWords } from "./words.ts"

/** Every device that is there, and every one that is not, with the reason. */
export function DevicesCard({ view: { peer } }: { view: OwnerView }) {
  return (
    <Card id="devices" title="devices">
      <DeviceList />
      <TuneKernels peer={peer} />
    </Card>
  )
}

export function DeviceList() {
  const report = live("hardware.report").value
  if (!report)
    return (
      <p class="soft" role="status">
        {t("devicesLooking")}
      </p>
    )
  return (
    <ul class="plain">
      {report.devices.map((device) => (
        <Device key={device.id} device={device} />
      ))}
      {byReason(report.absent).map(([reason, devices]) => (
        <Absent key={reason} devices={devices} reason={reason} />
      ))}
    </ul>
  )
}

function Device({ device }: { device: DeviceInfo }) {
  const { text, tone } = deviceWords(device)
  return (
    <li data-testid="device" data-device={device.id} data-state={device.state}>
      <Dot tone={tone} />
      <strong>{device.id}</strong> <span class="soft">{adapterWords(device)}</span>{" "}
      <span class={`small ${tone === "good" ? "soft" : tone}`}>{text}</span>
    </li>
  )
}

function Absent({ devices, reason }: { devices: AbsentDevice[]; reason: string }) {
  return (
    <li class="soft" data-testid="absent-device">
      <Dot tone="soft" />
      <bdi>{devices.map(({ id }) => id).join(", ")}</bdi>
      {/* Reasons come from where the device was looked for, in English. */}
      <div class="small" lang="en" dir="auto">
        {reason}
      </div>
    </li>
  )
}
