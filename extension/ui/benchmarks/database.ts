import { AsyncDuckDB, type AsyncDuckDBConnection, VoidLogger } from "@duckdb/duckdb-wasm"
import { browser } from "wxt/browser"
import type { BenchmarkRecord } from "../../../protocol/index.ts"
import { DUCKDB_FOLDER } from "../../packaged.ts"

/** Empty where anything will do. */
export interface Filter {
  sha256: string
  device: string
  backend: string
}

/** One benchmark; figures are null where it failed. */
export interface Result {
  id: string
  /** ms since 1970 */
  at: number
  origin: string
  model: string
  sha256: string
  device: string
  adapter: string
  error: string | null
  loadMs: number | null
  firstMs: number | null
  p50Ms: number | null
  fastestMs: number | null
  slowestMs: number | null
  n: number
}

/** What one device did with one model. */
export interface Summary {
  sha256: string
  device: string
  benchmarks: number
  latestMs: number
  bestMs: number
}

export interface Choices {
  models: { sha256: string; model: string }[]
  devices: string[]
  backends: string[]
}

const texts = ["id", "origin", "model", "sha256", "device", "backend", "adapter", "browser", "version", "error"]
const times = ["at", "loadMs", "firstMs", "p50Ms"]
const tableColumns = [
  ...texts.map((name) => `"${name}" VARCHAR`),
  ...times.map((name) => `"${name}" DOUBLE`),
  '"samplesMs" DOUBLE[]',
]

/** The kept benchmarks in DuckDB, in this page's memory. All of it comes with the extension; nothing is fetched from elsewhere. */
export class BenchmarkDatabase {
  readonly #db: AsyncDuckDB
  readonly #connection: AsyncDuckDBConnection

  private constructor(db: AsyncDuckDB, connection: AsyncDuckDBConnection) {
    this.#db = db
    this.#connection = connection
  }

  static async open(): Promise<BenchmarkDatabase> {
    const file = (name: string) => browser.runtime.getURL(`/${DUCKDB_FOLDER}/${name}` as "/")
    const db = new AsyncDuckDB(new VoidLogger(), new Worker(file("duckdb-browser-eh.worker.js")))
    await db.instantiate(file("duckdb-eh.wasm"))
    const connection = await db.connect()
    // What it lacks it would fetch, and run.
    await connection.query("SET autoinstall_known_extensions = false")
    await connection.query("SET autoload_known_extensions = false")
    return new BenchmarkDatabase(db, connection)
  }

  /** Takes in these in place of what it had; at least one. */
  async load(records: readonly BenchmarkRecord[]): Promise<void> {
    await this.#db.registerFileText("records.json", JSON.stringify(records))
    await this.#connection.query(`CREATE OR REPLACE TABLE benchmarks (${tableColumns.join(", ")})`)
    await this.#connection.query("DROP TABLE IF EXISTS incoming")
    await this.#connection.insertJSONFromPath("records.json", { name: "incoming" })
    // What no record has, it does not have as a column.
    await this.#connection.query("INSERT INTO benchmarks BY NAME SELECT * FROM incoming")
    await this.#db.dropFile("records.json")
  }

  async choices(): Promise<Choices> {
    const models = await this.#rows<{ sha256: string; model: string }>(`
      SELECT sha256, first(model ORDER BY starts_with(model, 'sha256:'), "at" DESC) AS model
      FROM benchmarks GROUP BY sha256 ORDER BY max("at") DESC`)
    const distinct = async (name: string) =>
      (await this.#rows<{ value: string }>(`SELECT DISTINCT ${name} AS value FROM benchmarks ORDER BY value`)).map(
        ({ value }) => value,
      )
    return { models, devices: await distinct("device"), backends: await distinct("backend") }
  }

  /** From now on the other methods tell of these only. */
  async choose({ sha256, device, backend }: Filter): Promise<void> {
    const statement = await this.#connection.prepare(`
      CREATE OR REPLACE TEMP TABLE chosen AS SELECT * FROM benchmarks
      WHERE ($1 = '' OR sha256 = $1) AND ($2 = '' OR device = $2) AND ($3 = '' OR backend = $3)`)
    await statement.query(sha256, device, backend)
    await statement.close()
  }

  /** Newest first. */
  results(): Promise<Result[]> {
    return this.#rows(`
      SELECT id, "at", origin, model, sha256, device, adapter, error, "loadMs", "firstMs", "p50Ms",
        list_min("samplesMs") AS "fastestMs", list_max("samplesMs") AS "slowestMs", len("samplesMs")::INTEGER AS n
      FROM chosen ORDER BY "at" DESC, id`)
  }

  /** The fastest device of each model first. */
  summary(): Promise<Summary[]> {
    return this.#rows(`
      SELECT sha256, device, count(*)::INTEGER AS benchmarks, arg_max("p50Ms", "at") AS "latestMs", min("p50Ms") AS "bestMs"
      FROM chosen WHERE error IS NULL GROUP BY sha256, device
      ORDER BY max(max("at")) OVER (PARTITION BY sha256) DESC, sha256, "latestMs"`)
  }

  /** Times in ms, to the microsecond. */
  async csv(): Promise<string> {
    const rounded = times.slice(1).map((name) => `round("${name}", 3) AS "${name}"`)
    await this.#connection.query(`
      COPY (SELECT strftime(make_timestamp_ms("at"::BIGINT), '%Y-%m-%dT%H:%M:%S.%gZ') AS "at", origin, model, sha256,
        device, backend, adapter, browser, version, error, ${rounded.join(", ")}, len("samplesMs") AS n,
        array_to_string(list_transform("samplesMs", sample -> round(sample, 3)), ' ') AS "samplesMs"
        FROM chosen ORDER BY chosen."at" DESC, id)
      TO 'benchmarks.csv' (HEADER, DELIMITER ',')`)
    const csv = await this.#db.copyFileToBuffer("benchmarks.csv")
    await this.#db.dropFile("benchmarks.csv")
    return new TextDecoder().decode(csv)
  }

  async #rows<Row>(sql: string): Promise<Row[]> {
    const table = await this.#connection.query(sql)
    return table.toArray().map((row) => row.toJSON() as Row)
  }
}
