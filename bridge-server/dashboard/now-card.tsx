import { useMemo } from "preact/hooks"
import type uPlot from "uplot"
import type { BridgeView } from "../../protocol/index.ts"
import { Chart, type Line } from "./chart.tsx"
import { rateText } from "./words.ts"

/** The rate is a mean of so many seconds. */
const RATE_OVER_SECONDS = 10

const lines: Line[] = [
  { label: "done", color: "--accent", fill: true },
  { label: "failed", color: "--bad", dash: [4, 3] },
]

export function NowCard({ view: { jobs, seconds } }: { view: BridgeView }) {
  const recent = seconds.slice(-RATE_OVER_SECONDS)
  const rate = recent.reduce((sum, { done }) => sum + done, 0) / recent.length
  const data = useMemo<uPlot.AlignedData>(
    () => [seconds.map((_, i) => i - seconds.length), seconds.map(({ done }) => done), seconds.map((s) => s.failed)],
    [seconds],
  )
  const total = (key: "done" | "failed") => seconds.reduce((sum, second) => sum + second[key], 0)
  const tiles: [id: string, title: string, value: string][] = [
    ["rate", "Runs per second", rateText(rate)],
    ["running", "Running", String(jobs.running)],
    ["waiting", "Waiting", String(jobs.waiting)],
    ["done", "Done", String(jobs.done)],
    ["failed", "Failed", String(jobs.failed)],
    ["reruns", "Run again", String(jobs.reruns)],
  ]
  return (
    <section class="card" aria-labelledby="now">
      <h2 id="now">Jobs</h2>
      <dl class="tiles">
        {tiles.map(([id, title, value]) => (
          <div key={id}>
            <dt>{title}</dt>
            <dd data-testid={id}>{value}</dd>
          </div>
        ))}
      </dl>
      <Chart
        label={`Jobs that ended in each of the last ${seconds.length} seconds: ${total("done")} done, ${total("failed")} failed.`}
        data={data}
        lines={lines}
        xText={(x) => `${x} s`}
        heightPx={150}
      />
      <ul class="legend small soft">
        <li>
          <span class="swatch accent" /> runs done in each second
        </li>
        <li>
          <span class="swatch bad dashed" /> failed
        </li>
        <li>
          Runs per second are the mean of the last {RATE_OVER_SECONDS} seconds; the other numbers are since the start.
        </li>
      </ul>
    </section>
  )
}
