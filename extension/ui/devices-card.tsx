import type { DeviceInfo } from "../../protocol/index.ts"
import { AbsentDevices } from "./absent-devices.tsx"
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
      <AbsentDevices absent={report.absent} tone="soft" testId="absent-device" />
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
