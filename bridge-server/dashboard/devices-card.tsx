import type { BridgeView, DeviceInfo, DeviceLatency } from "../../protocol/index.ts"
import { Table } from "./table.tsx"
import { msText, when } from "./words.ts"

const columns = [
  { title: "Device" },
  { title: "Hardware" },
  { title: "State" },
  { title: "Done", number: true },
  { title: "Failed", number: true },
  { title: "p50, ms", number: true },
  { title: "p95, ms", number: true },
  { title: "of n runs", number: true },
]

interface Row {
  /** `agent/selector` */
  name: string
  /** Absent for one that is no longer there. */
  device?: DeviceInfo
  latency?: DeviceLatency
}

export function DevicesCard({ view: { hardware, latencies } }: { view: BridgeView }) {
  const there = hardware.devices.map((device) => ({ name: `${device.agent}/${device.id}`, device }))
  const names = new Set(there.map(({ name }) => name))
  const rows: Row[] = [
    ...there.map((row) => ({ ...row, latency: latencies.find((l) => l.device === row.name) })),
    ...latencies.filter(({ device }) => !names.has(device)).map((latency) => ({ name: latency.device, latency })),
  ]
  const { absent } = hardware
  return (
    <section class="card" aria-labelledby="devices">
      <h2 id="devices">Devices</h2>
      {rows.length === 0 ? (
        <p class="soft">None is there. Let a browser join, or start the bridge-server with its native processes.</p>
      ) : (
        <Table label="Devices" columns={columns}>
          {rows.map((row) => (
            <DeviceRow key={row.name} {...row} />
          ))}
        </Table>
      )}
      <p class="small soft">
        Latency is from a job's arrival to its answer, of the latest 1,000 runs at most. A 95th percentile takes 20.
      </p>
      {absent.length > 0 && (
        <details>
          <summary>{absent.length === 1 ? "1 device can't be had" : `${absent.length} devices can't be had`}</summary>
          <ul>
            {absent.map(({ agent, id, reason }) => (
              <li key={`${agent}/${id}`}>
                <span class="mono">{agent ? `${agent}/${id}` : id}</span>: <span class="soft">{reason}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  )
}

function DeviceRow({ name, device, latency }: Row) {
  const { text, tone } = stateOf(device)
  return (
    <tr data-testid="device" data-device={name}>
      <th scope="row" class="mono">
        {name}
      </th>
      <td>{device?.adapter ?? ""}</td>
      <td class={tone}>{text}</td>
      <td class="number" data-testid="device-done">
        {latency?.done ?? 0}
      </td>
      <td class="number" data-testid="device-failed">
        {latency?.failed ?? 0}
      </td>
      <td class="number" data-testid="p50">
        {msText(latency?.p50Ms)}
      </td>
      <td class="number" data-testid="p95">
        {msText(latency?.p95Ms)}
      </td>
      <td class="number" data-testid="n">
        {latency?.n ?? 0}
      </td>
    </tr>
  )
}

function stateOf(device: DeviceInfo | undefined): { text: string; tone: string } {
  if (!device) return { text: "gone", tone: "soft" }
  if (device.probe && !device.probe.ok) return { text: "computes wrongly, not used", tone: "bad" }
  const tones = { ready: "good", busy: "good", cooling: "warn", lost: "bad" } as const
  const { state, unavailableUntil } = device
  const again = unavailableUntil === undefined ? "" : `, tried again at ${when(unavailableUntil)}`
  return { text: state + again, tone: tones[state] }
}
