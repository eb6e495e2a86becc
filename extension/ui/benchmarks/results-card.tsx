import { computed } from "@preact/signals"
import { Fault } from "../fault.tsx"
import type { OwnerView } from "../owner.ts"
import { ActionButton } from "../parts/action-button.tsx"
import { Card } from "../parts/card.tsx"
import { saveFile } from "../save-file.ts"
import { t } from "../text.tsx"
import { Chart, type Line } from "./chart.tsx"
import type { Result, Summary } from "./database.ts"
import { Filters } from "./filters.tsx"
import { csv, fault, json, refresh, shown } from "./results.ts"
import { ResultTable, SummaryTable } from "./tables.tsx"

/** Colours that there are for lines; more lines share them, and differ in their dashes. */
const COLOURS = 6

/** One for each row of the summary. */
const allLines = computed(
  () => shown.value?.summary.map((series, i) => lineOf(series, i, shown.value?.results ?? [])) ?? [],
)

/** What was measured, as a chart, in tables, and as files. */
export function ResultsCard({ view: { peer } }: { view: OwnerView }) {
  const now = shown.value
  const lines = allLines.value
  return (
    <Card id="results" title="results">
      <Fault error={fault.value} />
      {!now && fault.value === undefined && (
        <p class="soft" role="status">
          {t("resultsLoading")}
        </p>
      )}
      {now && now.choices.models.length === 0 && <p class="soft">{t("resultsNone")}</p>}
      {now && now.choices.models.length > 0 && (
        <>
          <Filters choices={now.choices} />
          <p class="small soft" role="status" data-testid="result-count">
            {t("resultCount", now.results.length)}
          </p>
          {lines.length > 0 && <Chart lines={lines} />}
          {lines.length > 0 && <SummaryTable summary={now.summary} lines={lines} />}
          <ResultTable results={now.results} />
          <div class="row">
            <ActionButton label="exportCsv" testId="export-csv" work={async () => save("csv", await csv())} />
            <ActionButton label="exportJson" testId="export-json" work={async () => save("json", json())} />
            <ActionButton
              look="danger"
              label="resultsClear"
              sure={t("resultsClearSure")}
              testId="clear-results"
              work={async () => {
                await peer.call("benchmark.clear", {})
                await refresh(peer)
              }}
            />
          </div>
        </>
      )}
    </Card>
  )
}

function lineOf({ sha256, device }: Summary, i: number, results: readonly Result[]): Line {
  const points = results
    .filter((result) => result.sha256 === sha256 && result.device === device)
    .flatMap(({ at, p50Ms }) => (p50Ms === null ? [] : [[at, p50Ms] as const]))
  return { colour: (i % COLOURS) + 1, points: points.reverse() }
}

function save(extension: "csv" | "json", content: string): void {
  const type = extension === "csv" ? "text/csv" : "application/json"
  saveFile(`ipfs-accelerate-benchmarks.${extension}`, new Blob([content], { type }))
}
