import type { DuckDBConnection } from "@duckdb/node-api"

/**
 * The evidence database's history: each entry brings it from one version to the next and is never changed once released.
 * Prompts, tensors and outputs have no column anywhere.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE models (sha256 VARCHAR PRIMARY KEY, bytes BIGINT, reference VARCHAR, first_seen TIMESTAMP, last_seen TIMESTAMP);
  CREATE TABLE agents (agent VARCHAR PRIMARY KEY, browser VARCHAR, version VARCHAR, first_seen TIMESTAMP, last_seen TIMESTAMP);
  CREATE TABLE hardware (
    agent VARCHAR, device VARCHAR, backend VARCHAR, adapter VARCHAR, fallback_adapter BOOLEAN, threads INTEGER, dtypes VARCHAR[],
    probe_ok BOOLEAN, probe_max_error DOUBLE, first_seen TIMESTAMP, last_seen TIMESTAMP,
    PRIMARY KEY (agent, device, adapter)
  );
  CREATE TABLE absent_devices (agent VARCHAR, device VARCHAR, reason VARCHAR, seen TIMESTAMP, PRIMARY KEY (agent, device));
  CREATE TABLE versions (software VARCHAR, version VARCHAR, first_seen TIMESTAMP, PRIMARY KEY (software, version));
  -- provenance: how the figure was obtained. 'host': timed by the worker or process that drove the device.
  CREATE TABLE runs (
    ts TIMESTAMP, agent VARCHAR, device VARCHAR, backend VARCHAR, adapter VARCHAR, model VARCHAR, kind VARCHAR, ms DOUBLE, ok BOOLEAN,
    error VARCHAR, input_elems BIGINT, provenance VARCHAR
  );
  CREATE TABLE runs_daily (
    day DATE, agent VARCHAR, device VARCHAR, backend VARCHAR, adapter VARCHAR, model VARCHAR, kind VARCHAR, input_elems BIGINT,
    n BIGINT, failed BIGINT, min_ms DOUBLE, p50_ms DOUBLE, p95_ms DOUBLE, max_ms DOUBLE
  );
  CREATE TABLE benchmarks (
    id VARCHAR PRIMARY KEY, ts TIMESTAMP, agent VARCHAR, device VARCHAR, backend VARCHAR, adapter VARCHAR, model VARCHAR,
    scenario VARCHAR, load_ms DOUBLE, first_ms DOUBLE, p50_ms DOUBLE, n INTEGER, provenance VARCHAR
  );
  CREATE TABLE benchmark_samples (benchmark VARCHAR, i INTEGER, ms DOUBLE);
  `,
  `
  -- The last batch of runs of each agent: handed over again, it is not stored again.
  CREATE TABLE batches (agent VARCHAR PRIMARY KEY, incarnation BIGINT, number BIGINT);
  `,
]

export const EVIDENCE_VERSION = migrations.length

/** Brings the database up to EVIDENCE_VERSION, each step in a transaction. Returns the version it found. */
export async function migrate(connection: DuckDBConnection, software: string): Promise<number> {
  await connection.run(
    "CREATE TABLE IF NOT EXISTS schema_history (version INTEGER PRIMARY KEY, software VARCHAR, applied_at TIMESTAMP)",
  )
  const rows = await connection.runAndReadAll(
    "SELECT coalesce(max(version), 0)::INTEGER AS version FROM schema_history",
  )
  const found = rows.getRowObjectsJS()[0]?.version as number
  for (let version = found + 1; version <= migrations.length; version++) {
    await connection.run("BEGIN")
    try {
      await connection.run(migrations[version - 1] as string)
      await connection.run("INSERT INTO schema_history VALUES ($1, $2, epoch_ms($3::BIGINT))", [
        version,
        software,
        BigInt(Date.now()),
      ])
      await connection.run("COMMIT")
    } catch (error) {
      await connection.run("ROLLBACK")
      throw error
    }
  }
  return found
}
