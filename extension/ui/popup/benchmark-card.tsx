import { signal } from "@preact/signals"
import type { AbsentDevice, BenchmarkRecord, EventOf, Methods, Peer } from "../../../protocol/index.ts"
import { demoModel } from "../demo-model.ts"
import { FailedDevices } from "../failed-devices.tsx"
import { live, type OwnerView } from "../owner.ts"
import { Card } from "../parts/card.tsx"
import { LongAction } from "../parts/long-action.tsx"
import { Sparkline } from "../parts/sparkline.tsx"
import { t } from "../text.tsx"
import { milliseconds, modelName } from "../words.ts"

/** Pairs of model and device that are shown, the last measured first; and of each how many benchmarks. */
const SHOWN = 4
const LINE = 20

/** The last benchmarks, and one at the press of a button. */
export function BenchmarkCard({ view: { peer } }: { view: OwnerView }) {
  const told = live("benchmark.list").value
  const rows = lastRows(told?.benchmarks ?? [])
  return (
    <Card id="benchmark" title="benchmarks">
      {told && rows.length === 0 && <p class="small soft">{t("benchmarksNone")}</p>}
      {rows.length > 0 && (
        <>
          <ul class="plain">
            {rows.map((row) => (
              <Row key={`${row[0]?.sha256} ${row[0]?.device}`} records={row} />
            ))}
          </ul>
          <p class="small soft">{t("sparklineNote")}</p>
        </>
      )}
      <RunBenchmark peer={peer} />
    </Card>
  )
}

/** Newest first; each pair's own oldest first. */
function lastRows(benchmarks: readonly BenchmarkRecord[]): BenchmarkRecord[][] {
  const pairs = new Map<string, BenchmarkRecord[]>()
  for (const record of benchmarks.filter(({ p50Ms }) => p50Ms !== undefined)) {
    const key = `${record.sha256} ${record.device}`
    const pair = [...(pairs.get(key) ?? []), record].slice(-LINE)
    pairs.delete(key)
    pairs.set(key, pair)
  }
  return [...pairs.values()].reverse().slice(0, SHOWN)
}

function Row({ records }: { records: BenchmarkRecord[] }) {
  const last = records.at(-1)
  if (!last) return null
  const name = modelName([last.model], last.sha256)
  const ms = milliseconds(last.p50Ms ?? 0)
  return (
    <li class="row spread small" data-testid="benchmark" data-device={last.device}>
      <span>
        {name} <span class="soft">{last.device}</span>
      </span>
      <span class="row">
        <Sparkline
          values={records.map(({ p50Ms = 0 }) => p50Ms)}
          label={t("sparkline", name, last.device, records.length, ms)}
        />
        <strong>{ms}</strong>
      </span>
    </li>
  )
}

const running = signal<AbortController | undefined>(undefined)
/** Of the last benchmark. */
const failed = signal<readonly AbsentDevice[]>([])

function RunBenchmark({ peer }: { peer: Peer }) {
  return (
    <>
      <LongAction
        running={running}
        label="benchmarkRun"
        progressLabel="benchmarkProgress"
        name="benchmark"
        work={async (signal, tell) => {
          failed.value = []
          const onEvent = ({ phase, device, done, of }: EventOf<Methods["benchmark.run"]>) =>
            tell({
              text: t(phase === "load" ? "benchmarkLoads" : "benchmarkRuns", device),
              done: phase === "steady" ? done : undefined,
              of,
            })
          const image = { dtype: "float32" as const, shape: [1, 1, 8, 8], data: new Float32Array(64) }
          const request = { model: await demoModel(peer), feeds: { image }, warmup: 1, budgetMs: 2000 }
          const { devices } = await peer.call("hardware.report", {}, { signal })
          const { absent } = await peer.call("benchmark.run", request, { signal, onEvent })
          // Those that are not there at all are listed with the devices.
          failed.value = absent.filter(({ id }) => devices.some((device) => device.id === id))
        }}
      />
      <div role="status">
        <FailedDevices failed={failed.value} />
      </div>
    </>
  )
}
