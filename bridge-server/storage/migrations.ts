import { copyFileSync, existsSync, renameSync } from "node:fs"
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api"
import { fail } from "../../protocol/index.ts"

/**
 * The evidence database's history: each entry brings it from one version to the next and is never changed once released.
 * Prompts, tensors and outputs have no column anywhere.
 */
export const migrations: readonly string[] = [
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

/** How far a database has come; 0 where it is new. */
async function versionOf(connection: DuckDBConnection): Promise<number> {
  const tables = await connection.runAndReadAll(
    "SELECT count(*)::INTEGER AS n FROM information_schema.tables WHERE table_name = 'schema_history'",
  )
  if (!tables.getRowObjectsJS()[0]?.n) return 0
  const rows = await connection.runAndReadAll(
    "SELECT coalesce(max(version), 0)::INTEGER AS version FROM schema_history",
  )
  return rows.getRowObjectsJS()[0]?.version as number
}

/**
 * Looks at a file before anything may write to it: one of a newer version is refused as it is (IPFA_STORE_NEWER), of one that is to be migrated a
 * copy is kept beside it, `FILE.vN`. A copy that is there already is from a migration of the same version that did not come to its end.
 */
export async function beforeMigrating(file: string, steps: readonly string[] = migrations): Promise<void> {
  if (!existsSync(file)) return
  const instance = await DuckDBInstance.create(file, { access_mode: "READ_ONLY" })
  let found: number
  try {
    const connection = await instance.connect()
    found = await versionOf(connection)
    connection.closeSync()
  } finally {
    instance.closeSync()
  }
  if (found > steps.length) throw fail("IPFA_STORE_NEWER", { data: { file, found, here: steps.length } })
  const backup = `${file}.v${found}`
  if (found === 0 || found === steps.length || existsSync(backup)) return
  // What was written last may be in DuckDB's log still. The copy gets its name when it is whole.
  if (existsSync(`${file}.wal`)) copyFileSync(`${file}.wal`, `${backup}.wal`)
  copyFileSync(file, `${backup}.part`)
  renameSync(`${backup}.part`, backup)
}

/** Brings the database up to the last of `steps`, each in a transaction, so that what is interrupted was never begun. */
export async function migrate(
  connection: DuckDBConnection,
  software: string,
  steps: readonly string[] = migrations,
): Promise<void> {
  await connection.run(
    "CREATE TABLE IF NOT EXISTS schema_history (version INTEGER PRIMARY KEY, software VARCHAR, applied_at TIMESTAMP)",
  )
  const found = await versionOf(connection)
  for (let version = found + 1; version <= steps.length; version++) {
    await connection.run("BEGIN")
    try {
      await connection.run(steps[version - 1] as string)
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
}
