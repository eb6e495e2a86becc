import type { DuckDBConnection } from "@duckdb/node-api"

export interface Retention {
  /** Single runs are kept this long, then rolled up by day. */
  runDays: number
  /** Rolled-up days, benchmarks, and agents, devices and models that were not seen again are kept this long. */
  historyDays: number
}

export const defaultRetention: Retention = { runDays: 30, historyDays: 730 }

const DAY_MS = 24 * 3600_000

/** Rolls runs older than `runDays` up by day and deletes what is older than `historyDays`. Whole days only, so that no day is rolled up twice. */
export async function applyRetention(
  connection: DuckDBConnection,
  now: number,
  retention: Partial<Retention> = {},
): Promise<void> {
  const { runDays, historyDays } = { ...defaultRetention, ...retention }
  const startOfDay = (days: number) => BigInt(Math.floor(now / DAY_MS - days) * DAY_MS)
  const runs = startOfDay(runDays)
  const history = startOfDay(historyDays)
  await connection.run("BEGIN")
  try {
    await connection.run(
      `INSERT INTO runs_daily
       SELECT ts::DATE, agent, device, backend, adapter, model, kind, input_elems, count(*), count(*) FILTER (NOT ok),
         min(ms) FILTER (ok), median(ms) FILTER (ok), quantile_cont(ms, 0.95) FILTER (ok), max(ms) FILTER (ok)
       FROM runs WHERE ts < epoch_ms($1::BIGINT) GROUP BY ALL`,
      [runs],
    )
    await connection.run("DELETE FROM runs WHERE ts < epoch_ms($1::BIGINT)", [runs])
    await connection.run("DELETE FROM runs_daily WHERE day < epoch_ms($1::BIGINT)::DATE", [history])
    await connection.run(
      "DELETE FROM benchmark_samples WHERE benchmark IN (SELECT id FROM benchmarks WHERE ts < epoch_ms($1::BIGINT))",
      [history],
    )
    await connection.run("DELETE FROM benchmarks WHERE ts < epoch_ms($1::BIGINT)", [history])
    await connection.run("DELETE FROM hardware WHERE last_seen < epoch_ms($1::BIGINT)", [history])
    await connection.run("DELETE FROM absent_devices WHERE seen < epoch_ms($1::BIGINT)", [history])
    await connection.run("DELETE FROM models WHERE last_seen < epoch_ms($1::BIGINT)", [history])
    await connection.run("DELETE FROM agents WHERE last_seen < epoch_ms($1::BIGINT)", [history])
    await connection.run("DELETE FROM batches WHERE agent NOT IN (SELECT agent FROM agents)")
    await connection.run("COMMIT")
  } catch (error) {
    await connection.run("ROLLBACK")
    throw error
  }
}
