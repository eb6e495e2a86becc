import { useMemo, useState } from "preact/hooks"
import type uPlot from "uplot"
import type { StoredBenchmark } from "../../protocol/index.ts"
import { Literal } from "../page-parts/page.tsx"
import { language, Text, t } from "../page-parts/text.tsx"
import { modelName, msText, when } from "../page-parts/words.ts"
import { Chart, type Line } from "./chart.tsx"
import { type Column, Table } from "./table.tsx"

/** Lines differ in colour and in dashes; more devices than these begin anew. */
const looks: Omit<Line, "label">[] = [
  { color: "--accent" },
  { color: "--warn", dash: [8, 4] },
  { color: "--good", dash: [2, 3] },
  { color: "--bad", dash: [10, 3, 2, 3] },
  { color: "--ink-soft", dash: [5, 5] },
]
/** Rows that are shown until all are asked for. */
const FEW = 10

const columns: Column[] = [
  { title: "device" },
  { title: "p50Ms", number: true },
  { title: "ofRuns", number: true },
  { title: "when" },
  { title: "loadMs", number: true },
  { title: "firstMs", number: true },
]

export function BenchmarksCard({ benchmarks }: { benchmarks: StoredBenchmark[] | undefined }) {
  return (
    <section class="card" aria-labelledby="benchmarks">
      <h2 id="benchmarks">{t("benchmarks")}</h2>
      {benchmarks === undefined ? (
        <p class="soft">{t("benchmarksComing")}</p>
      ) : benchmarks.length === 0 ? (
        <p class="soft">
          <Text of="benchmarksNone" with={[<Literal key="command" text="ipfs-accelerate bench digits" />]} />
        </p>
      ) : (
        <History benchmarks={benchmarks} />
      )}
    </section>
  )
}

function History({ benchmarks }: { benchmarks: StoredBenchmark[] }) {
  const models = [...new Map(benchmarks.map((b) => [b.model, modelName(b.model, b.reference)]))]
  const [chosen, choose] = useState<string>()
  const [all, showAll] = useState(false)
  const model = models.some(([sha256]) => sha256 === chosen) ? chosen : models[0]?.[0]
  const rows = useMemo(() => benchmarks.filter((b) => b.model === model), [benchmarks, model])
  const { data, lines } = useMemo(() => chartOf(rows), [rows])
  return (
    <>
      <label class="choice">
        {t("model")}
        <select data-testid="model" value={model} onChange={(event) => choose(event.currentTarget.value)}>
          {models.map(([sha256, name]) => (
            <option key={sha256} value={sha256}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Chart label={t("historyChart", lines.length)} data={data} lines={lines} />
      <ul class="legend small">
        {lines.map(({ label, color, dash }) => (
          <li key={label}>
            <span class={`swatch ${color.slice(2)} ${dash ? "dashed" : ""}`} /> <bdi>{label}</bdi>
          </li>
        ))}
        <li class="soft">{t("legendMedian")}</li>
      </ul>
      <Table label={t("benchmarks")} columns={columns}>
        {rows.slice(0, all ? undefined : FEW).map(({ id, at, agent, device, p50Ms, n, loadMs, firstMs }) => (
          <tr key={id} data-testid="benchmark" data-device={`${agent}/${device}`}>
            <th scope="row">
              <Literal text={`${agent}/${device}`} />
            </th>
            <td class="number">{msText(p50Ms)}</td>
            <td class="number">{n.toLocaleString(language())}</td>
            <td>{when(at)}</td>
            <td class="number">{msText(loadMs)}</td>
            <td class="number">{msText(firstMs)}</td>
          </tr>
        ))}
      </Table>
      {rows.length > FEW && (
        <p>
          <button type="button" onClick={() => showAll(!all)}>
            {all ? t("showFewer") : t("showAll", rows.length)}
          </button>
        </p>
      )}
    </>
  )
}

/** A line for each device over all times at which any was measured. */
function chartOf(rows: readonly StoredBenchmark[]): { data: uPlot.AlignedData; lines: Line[] } {
  const times = [...new Set(rows.map(({ at }) => at / 1000))].sort((a, b) => a - b)
  const devices = [...new Set(rows.map(({ agent, device }) => `${agent}/${device}`))].sort()
  const values = devices.map((name) => {
    const byTime = new Map(rows.filter((r) => `${r.agent}/${r.device}` === name).map((r) => [r.at / 1000, r.p50Ms]))
    return times.map((time) => byTime.get(time) ?? null)
  })
  return {
    data: [times, ...values],
    lines: devices.map((label, i) => ({
      ...(looks[i % looks.length] as (typeof looks)[number]),
      label,
      points: true,
    })),
  }
}
