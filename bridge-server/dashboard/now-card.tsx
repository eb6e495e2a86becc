import { useMemo } from "preact/hooks"
import type uPlot from "uplot"
import type { BridgeView } from "../../protocol/index.ts"
import { language, type MessageKey, t } from "../page-parts/text.tsx"
import { rateText } from "../page-parts/words.ts"
import { Chart, type Line } from "./chart.tsx"

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
  const count = (key: keyof typeof jobs) => jobs[key].toLocaleString(language())
  const tiles: [id: string, title: MessageKey, value: string][] = [
    ["rate", "runsPerSecond", rateText(rate)],
    ["running", "running", count("running")],
    ["waiting", "waiting", count("waiting")],
    ["done", "done", count("done")],
    ["failed", "failed", count("failed")],
    ["reruns", "reruns", count("reruns")],
  ]
  return (
    <section class="card" aria-labelledby="now">
      <h2 id="now">{t("jobs")}</h2>
      <dl class="tiles">
        {tiles.map(([id, title, value]) => (
          <div key={id}>
            <dt>{t(title)}</dt>
            <dd data-testid={id}>{value}</dd>
          </div>
        ))}
      </dl>
      <Chart
        label={t("jobsChart", seconds.length, total("done"), total("failed"))}
        data={data}
        lines={lines}
        xText={(x) => t("seconds", x)}
        heightPx={150}
      />
      <ul class="legend small soft">
        <li>
          <span class="swatch accent" /> {t("legendDone")}
        </li>
        <li>
          <span class="swatch bad dashed" /> {t("legendFailed")}
        </li>
        <li>{t("legendRate", RATE_OVER_SECONDS)}</li>
      </ul>
    </section>
  )
}
