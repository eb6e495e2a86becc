import { useEffect, useState } from "preact/hooks"
import type { HardwareReport, Peer } from "../../protocol/index.ts"
import { deviceWords } from "./words.ts"

/** The report, once it is there: finding the devices takes a moment. */
export function useHardware(peer: Peer | undefined): HardwareReport | undefined {
  const [report, setReport] = useState<HardwareReport>()
  useEffect(() => {
    peer?.call("hardware.report", {}).then(setReport, () => undefined)
  }, [peer])
  return report
}

/** Every device that is there, and every one that is not, with the reason. */
export function DevicesCard({ report }: { report: HardwareReport | undefined }) {
  return (
    <section class="card" aria-labelledby="devices">
      <h2 id="devices">Devices</h2>
      {report ? <DeviceList report={report} /> : <p class="soft">Looking for devices …</p>}
    </section>
  )
}

export function DeviceList({ report: { devices, absent } }: { report: HardwareReport }) {
  return (
    <ul class="plain">
      {devices.map((device) => (
        <li key={device.id} data-testid="device">
          <span class={device.state === "lost" ? "bad" : device.state === "cooling" ? "warn" : "good"}>
            <span class="dot" aria-hidden="true" />
          </span>
          <strong>{device.id}</strong> <span class="soft">{deviceWords(device)}</span>
          {device.state !== "ready" && <span class="small warn"> {device.state}</span>}
        </li>
      ))}
      {absent.map((device) => (
        <li key={device.id} class="soft">
          <span class="dot" aria-hidden="true" />
          {device.id} <span class="small">{device.reason}</span>
        </li>
      ))}
    </ul>
  )
}
