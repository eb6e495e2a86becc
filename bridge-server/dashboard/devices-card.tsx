import { byReason } from "../../engine/agent/screen-words.ts"
import { type BridgeView, type DeviceInfo, type DeviceLatency, LATENCY_RUNS, P95_RUNS } from "../../protocol/index.ts"
import { Literal } from "../page-parts/page.tsx"
import { language, t } from "../page-parts/text.tsx"
import { deviceWords, msText } from "../page-parts/words.ts"
import { type Column, Table } from "./table.tsx"

const columns: Column[] = [
  { title: "device" },
  { title: "state" },
  { title: "p50Ms", number: true },
  { title: "p95Ms", number: true },
  { title: "ofRuns", number: true },
  { title: "done", number: true },
  { title: "failed", number: true },
  { title: "hardware" },
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
      <h2 id="devices">{t("devices")}</h2>
      {rows.length === 0 ? (
        <p class="soft">{t("devicesNone")}</p>
      ) : (
        <Table label={t("devices")} columns={columns}>
          {rows.map((row) => (
            <DeviceRow key={row.name} {...row} />
          ))}
        </Table>
      )}
      <p class="small soft">{t("latencyNote", LATENCY_RUNS, P95_RUNS)}</p>
      {absent.length > 0 && (
        <details>
          <summary>{t("absent", absent.length)}</summary>
          <ul>
            {byReason(absent).map(([reason, devices]) => (
              <li key={reason}>
                <Literal text={devices.map(({ agent, id }) => (agent ? `${agent}/${id}` : id)).join(", ")} />{" "}
                {/* Reasons come from where the device was looked for, in English. */}
                <span class="soft" lang="en" dir="auto">
                  {reason}
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  )
}

const count = (of = 0) => of.toLocaleString(language())

function DeviceRow({ name, device, latency }: Row) {
  const { text, tone } = deviceWords(device)
  return (
    <tr data-testid="device" data-device={name}>
      <th scope="row">
        <Literal text={name} />
      </th>
      <td class={tone} data-testid="device-state">
        {text}
      </td>
      <td class="number" data-testid="p50">
        {msText(latency?.p50Ms)}
      </td>
      <td class="number" data-testid="p95">
        {msText(latency?.p95Ms)}
      </td>
      <td class="number" data-testid="n">
        {count(latency?.n)}
      </td>
      <td class="number" data-testid="device-done">
        {count(latency?.done)}
      </td>
      <td class="number" data-testid="device-failed">
        {count(latency?.failed)}
      </td>
      <td>
        <bdi>{device?.adapter}</bdi>
      </td>
    </tr>
  )
}
