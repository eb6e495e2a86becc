import { useSignal } from "@preact/signals"
import { FaultWords } from "../fault.tsx"
import { language, t } from "../text.tsx"
import { date, milliseconds, whoWords } from "../words.ts"
import type { Line } from "./chart.tsx"
import type { Result, Summary } from "./database.ts"
import { nameOf } from "./results.ts"

/** Benchmarks that are shown at first. */
const FIRST = 20

/** What the chart's lines are, and their last and least values. */
export function SummaryTable({ summary, lines }: { summary: readonly Summary[]; lines: readonly Line[] }) {
  return (
    <table>
      <caption>{t("summaryCaption")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("modelOnDevice")}</th>
          <th scope="col">{t("latest")}</th>
          <th scope="col">{t("best")}</th>
          <th scope="col" class="spare">
            {t("times")}
          </th>
        </tr>
      </thead>
      <tbody>
        {summary.map(({ sha256, device, latestMs, bestMs, benchmarks }, i) => (
          <tr key={`${sha256} ${device}`} data-testid="summary">
            <th scope="row">
              <span class="dot" style={{ color: `var(--chart-${lines[i]?.colour})` }} aria-hidden="true" />
              {nameOf(sha256)} <span class="soft">{device}</span>
            </th>
            <td>{milliseconds(latestMs)}</td>
            <td>{milliseconds(bestMs)}</td>
            <td class="spare">{benchmarks.toLocaleString(language())}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Each benchmark, newest first. */
export function ResultTable({ results }: { results: readonly Result[] }) {
  const all = useSignal(false)
  const listed = results.slice(0, all.value ? undefined : FIRST)
  return (
    <>
      <table>
        <caption>{t("resultsCaption")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("modelOnDevice")}</th>
            <th scope="col">{t("median")}</th>
            <th scope="col" class="spare">
              {t("range")}
            </th>
            <th scope="col" class="spare">
              {t("firstRun")}
            </th>
            <th scope="col" class="spare">
              {t("loading")}
            </th>
            <th scope="col">{t("runs")}</th>
          </tr>
        </thead>
        <tbody>
          {listed.map((result) => (
            <Row key={result.id} result={result} />
          ))}
        </tbody>
      </table>
      {listed.length < results.length && (
        <div>
          <button type="button" onClick={() => (all.value = true)}>
            {t("logAll", results.length)}
          </button>
        </div>
      )}
    </>
  )
}

function Row({ result }: { result: Result }) {
  const { sha256, device, adapter, at, origin, error, n, p50Ms, fastestMs, slowestMs, firstMs, loadMs } = result
  return (
    <tr data-testid="result" data-device={device} data-error={error ?? undefined}>
      <th scope="row">
        {nameOf(sha256)} <span class="soft">{device}</span>
        <div class="small soft">
          {date(at)}, <bdi>{whoWords(origin)}</bdi>, <bdi>{adapter}</bdi>
        </div>
      </th>
      {error ? (
        <td colSpan={5} class="bad">
          {t("jobFailed")} <FaultWords code={error} />
        </td>
      ) : (
        <>
          <td>{ms(p50Ms)}</td>
          <td class="spare">
            {ms(fastestMs)} – {ms(slowestMs)}
          </td>
          <td class="spare">{ms(firstMs)}</td>
          <td class="spare">{ms(loadMs)}</td>
          <td>{n.toLocaleString(language())}</td>
        </>
      )}
    </tr>
  )
}

const ms = (value: number | null): string => (value === null ? "" : milliseconds(value))
