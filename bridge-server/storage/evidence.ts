import { randomUUID } from "node:crypto"
import { type DuckDBConnection, DuckDBInstance, DuckDBTimestampValue } from "@duckdb/node-api"
import type { BenchmarkRow, HardwareReport, Measurement } from "../../protocol/index.ts"
import { beforeMigrating, migrate } from "./migrations.ts"
import { applyRetention, type Retention } from "./retention.ts"

export interface AgentIdentity {
  agent: string
  browser: string
  version: string
}

export interface BenchmarkSummary {
  id: string
  /** ms since 1970 */
  at: number
  agent: string
  device: string
  backend: string
  adapter: string
  model: string
  /** What the model was first asked for by, where that is known. */
  reference?: string
  scenario: string
  loadMs: number
  firstMs: number
  p50Ms: number
  n: number
  samplesMs: number[]
}

/** What is known of a model on a device from its steady runs. */
export interface RunSummary {
  agent: string
  device: string
  backend: string
  adapter: string
  model: string
  /** All whose time or day is kept. */
  n: number
  failed: number
  /** Median of those that came out right and are kept one by one; where none is, of their days' medians; 0 of nothing. */
  p50Ms: number
}

export interface EvidenceOptions {
  software: string
  retention?: Partial<Retention>
  /** Rows wait at most this long before they are written, ms. */
  flushMs?: number
  now?: () => number
  /** Told of what could not be written, which is dropped, or rolled up. */
  onError?: (error: unknown) => void
}

/** Which of an agent's batches of measurements: of one start of it, in the order of `number`. */
export interface Batch {
  incarnation: number
  number: number
}

/**
 * How a figure was obtained. `host`: timed by the worker or process that drove the device. `agent`: by its agent, around that: openings, runs that
 * failed, benchmarks. `bridge`: by the bridge-server, from sending a run until its agent was gone.
 */
type Provenance = "host" | "agent" | "bridge"

type Row = Measurement & { agent: string; provenance: Provenance }

const MAX_WAITING = 100_000
const MEMORY_LIMIT = "256MB"
/** What stayed the same of an agent is not written more often, ms. */
const NOTE_MS = 60_000n

/**
 * The evidence database: one process owns the file. Rows are queued and written by an appender in batches, so that recording costs the
 * caller nothing; `flush` or `close` wait until all are on disk. What was computed never comes here.
 */
export class Evidence {
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  readonly #options: Required<Pick<EvidenceOptions, "software" | "flushMs" | "now" | "onError">>
  #waiting: Row[] = []
  /** What was last noted of each agent, and when, ms since 1970. */
  readonly #noted = new Map<string, { facts: string; at: bigint }>()
  /** The last batch of each agent that was taken: it and those before it are not taken again. */
  readonly #batches = new Map<string, Batch>()
  #timer: NodeJS.Timeout | undefined
  #daily: NodeJS.Timeout | undefined
  #isClosed = false
  /** Statements run one after the other: an appender and a transaction must not mix. */
  #chain: Promise<unknown> = Promise.resolve()
  /** Rows that were dropped: more than MAX_WAITING waited, or they could not be written. */
  dropped = 0

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, options: EvidenceOptions) {
    this.#instance = instance
    this.#connection = connection
    const { software, flushMs = 1000, now = Date.now, onError = () => {} } = options
    this.#options = { software, flushMs, now, onError }
  }

  /** Opens or makes the file at `path` (`:memory:` for none), migrates it and applies the retention. Throws IPFA_STORE_NEWER, and what DuckDB says where the file is no database or another process has it. */
  static async open(path: string, options: EvidenceOptions): Promise<Evidence> {
    await beforeMigrating(path)
    const instance = await DuckDBInstance.create(path, {
      threads: "1",
      memory_limit: MEMORY_LIMIT,
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    })
    const connection = await instance.connect()
    const evidence = new Evidence(instance, connection, options)
    await migrate(connection, options.software)
    await evidence.#run(
      "INSERT INTO versions VALUES ('ipfs-accelerate', $1, epoch_ms($2::BIGINT)) ON CONFLICT DO NOTHING",
      [options.software, evidence.#at()],
    )
    for (const { agent, incarnation, number } of await evidence.#all(
      "SELECT agent, incarnation::DOUBLE AS incarnation, number::DOUBLE AS number FROM batches",
      [],
    ))
      evidence.#batches.set(agent as string, { incarnation: incarnation as number, number: number as number })
    const retain = () =>
      evidence.#exclusive(() => applyRetention(connection, evidence.#options.now(), options.retention))
    await retain()
    evidence.#daily = setInterval(() => void retain().catch(evidence.#options.onError), 24 * 3600_000)
    evidence.#daily.unref()
    return evidence
  }

  /**
   * Notes an agent and what it has; called when it joins and when its hardware changes. A device that works changes every second, in what is
   * not noted: what stayed the same is written once a minute.
   */
  async agent({ agent, browser, version }: AgentIdentity, hardware: HardwareReport): Promise<void> {
    const at = this.#at()
    const devices = hardware.devices.map(({ id, backend, adapter, fallbackAdapter, threads, dtypes, probe }) => [
      ...[id, backend, adapter, fallbackAdapter, threads, dtypes, probe?.ok, probe?.maxError],
    ])
    const facts = JSON.stringify([browser, version, devices, hardware.absent])
    const noted = this.#noted.get(agent)
    if (noted?.facts === facts && at - noted.at < NOTE_MS) return
    this.#noted.set(agent, { facts, at })
    await this.#run(
      `INSERT INTO agents VALUES ($1, $2, $3, epoch_ms($4::BIGINT), epoch_ms($4::BIGINT))
       ON CONFLICT DO UPDATE SET version = excluded.version, last_seen = excluded.last_seen`,
      [agent, browser, version, at],
    )
    for (const d of hardware.devices)
      await this.#run(
        `INSERT INTO hardware VALUES ($1, $2, $3, $4, $5, $6, string_split($7, ','), $8, $9, epoch_ms($10::BIGINT), epoch_ms($10::BIGINT))
         ON CONFLICT DO UPDATE SET backend = excluded.backend, fallback_adapter = excluded.fallback_adapter, threads = excluded.threads,
           dtypes = excluded.dtypes, probe_ok = excluded.probe_ok, probe_max_error = excluded.probe_max_error, last_seen = excluded.last_seen`,
        [
          agent,
          d.id,
          d.backend,
          d.adapter,
          d.fallbackAdapter,
          d.threads ?? null,
          d.dtypes.join(","),
          d.probe?.ok ?? null,
          d.probe?.maxError ?? null,
          at,
        ],
      )
    for (const a of hardware.absent)
      await this.#run(
        `INSERT INTO absent_devices VALUES ($1, $2, $3, epoch_ms($4::BIGINT))
         ON CONFLICT DO UPDATE SET reason = excluded.reason, seen = excluded.seen`,
        [agent, a.id, a.reason, at],
      )
  }

  /** Notes a model that was used; without the query of its address, which may be somebody's key to it. */
  async model(sha256: string, bytes: number, reference: string): Promise<void> {
    await this.#run(
      `INSERT INTO models VALUES ($1, $2, $3, epoch_ms($4::BIGINT), epoch_ms($4::BIGINT)) ON CONFLICT DO UPDATE SET last_seen = excluded.last_seen`,
      [sha256, BigInt(bytes), reference.replace(/\?[^#]*/, ""), this.#at()],
    )
  }

  /** Queues measurements of `agent`; they are written within `flushMs`. Returns how many were taken: none of a `batch` that came before. */
  record(agent: string, measurements: readonly Measurement[], batch?: Batch): number {
    if (batch) {
      const last = this.#batches.get(agent)
      if (last?.incarnation === batch.incarnation && last.number >= batch.number) return 0
      this.#batches.set(agent, batch)
    }
    return this.#queue(
      measurements.map((m) => {
        const provenance = m.ok && (m.kind === "first" || m.kind === "run") ? "host" : "agent"
        return { ...m, agent, provenance }
      }),
    )
  }

  /** Queues what the bridge-server saw itself of a run whose agent went: that one tells nothing of it any more. */
  recordLost(agent: string, measurement: Measurement): void {
    this.#queue([{ ...measurement, agent, provenance: "bridge" }])
  }

  #queue(rows: readonly Row[]): number {
    const taken = rows.slice(0, this.#isClosed ? 0 : Math.max(0, MAX_WAITING - this.#waiting.length))
    this.dropped += rows.length - taken.length
    if (taken.length === 0) return 0
    this.#waiting.push(...taken)
    this.#timer ??= setTimeout(() => void this.flush().catch(this.#options.onError), this.#options.flushMs)
    return taken.length
  }

  /** Writes all that waits, or none of it. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    return this.#exclusive(async () => {
      const rows = this.#waiting
      if (rows.length === 0) return
      this.#waiting = []
      const agents = new Set(rows.map(({ agent }) => agent))
      const batches = [...this.#batches].filter(([agent]) => agents.has(agent))
      try {
        await this.#transaction(async () => {
          await this.#append(rows)
          for (const [agent, { incarnation, number }] of batches)
            await this.#connection.run("INSERT OR REPLACE INTO batches VALUES ($1, $2, $3)", [
              agent,
              BigInt(incarnation),
              BigInt(number),
            ])
        })
      } catch (error) {
        this.dropped += rows.length
        throw error
      }
    })
  }

  async #append(rows: readonly Row[]): Promise<void> {
    const appender = await this.#connection.createAppender("runs")
    const text = (value: string | undefined) =>
      value === undefined ? appender.appendNull() : appender.appendVarchar(value)
    try {
      for (const m of rows) {
        appender.appendTimestamp(new DuckDBTimestampValue(BigInt(Math.round(m.at * 1000))))
        for (const value of [m.agent, m.device, m.backend, m.adapter, m.model, m.kind]) appender.appendVarchar(value)
        appender.appendDouble(m.ms)
        appender.appendBoolean(m.ok)
        text(m.error)
        if (m.inputElems === undefined) appender.appendNull()
        else appender.appendBigInt(BigInt(m.inputElems))
        appender.appendVarchar(m.provenance)
        appender.endRow()
      }
    } finally {
      // Else what it holds would be written when it is collected, after the transaction.
      appender.closeSync()
    }
  }

  /** Stores one benchmark with its raw samples, and returns its id. */
  async benchmark(agent: string, model: string, scenario: string, row: BenchmarkRow): Promise<string> {
    const id = randomUUID()
    await this.#exclusive(() =>
      this.#transaction(async () => {
        await this.#connection.run(
          "INSERT INTO benchmarks VALUES ($1, epoch_ms($2::BIGINT), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'agent')",
          [
            id,
            this.#at(),
            agent,
            row.device.id,
            row.device.backend,
            row.device.adapter,
            model,
            scenario,
            row.loadMs,
            row.firstMs,
            row.p50Ms,
            row.n,
          ],
        )
        const appender = await this.#connection.createAppender("benchmark_samples")
        for (const [i, ms] of row.samplesMs.entries()) {
          appender.appendVarchar(id)
          appender.appendInteger(i)
          appender.appendDouble(ms)
          appender.endRow()
        }
        appender.closeSync()
      }),
    )
    return id
  }

  /** Latest benchmarks first. */
  async benchmarks(
    filter: { agent?: string; model?: string; device?: string; limit?: number } = {},
  ): Promise<BenchmarkSummary[]> {
    const rows = await this.#all(
      `SELECT id, epoch_ms(b.ts)::DOUBLE AS "at", agent, device, backend, adapter, model, reference, scenario, load_ms AS "loadMs", first_ms AS "firstMs",
         p50_ms AS "p50Ms", n, (SELECT coalesce(list(ms ORDER BY i), []) FROM benchmark_samples s WHERE s.benchmark = b.id) AS "samplesMs"
       FROM benchmarks b LEFT JOIN models m ON m.sha256 = b.model WHERE ($1 IS NULL OR agent = $1) AND ($2 IS NULL OR model = $2) AND ($3 IS NULL OR device = $3)
       ORDER BY b.ts DESC LIMIT $4`,
      [filter.agent ?? null, filter.model ?? null, filter.device ?? null, Math.min(filter.limit ?? 100, 1000)],
    )
    return rows.map(({ reference, ...row }) => ({
      ...row,
      ...(reference !== null && { reference }),
    })) as unknown as BenchmarkSummary[]
  }

  /** Steady runs by agent, device and model, those that are rolled up included. */
  async runs(filter: { agent?: string; model?: string; device?: string } = {}): Promise<RunSummary[]> {
    await this.#written()
    const rows = await this.#all(
      `SELECT agent, device, backend, adapter, model, sum(n)::DOUBLE AS n, sum(failed)::DOUBLE AS failed,
         coalesce(median(ms) FILTER (single), median(ms), 0)::DOUBLE AS "p50Ms"
       FROM (
         SELECT agent, device, backend, adapter, model, kind, 1 AS n, (NOT ok)::INTEGER AS failed, true AS single, CASE WHEN ok THEN ms END AS ms
         FROM runs
         UNION ALL SELECT agent, device, backend, adapter, model, kind, n, failed, false, p50_ms FROM runs_daily
       )
       WHERE kind IN ('run', 'benchmark')
         AND ($1 IS NULL OR agent = $1) AND ($2 IS NULL OR model = $2) AND ($3 IS NULL OR device = $3)
       GROUP BY ALL ORDER BY agent, device, model`,
      [filter.agent ?? null, filter.model ?? null, filter.device ?? null],
    )
    return rows as unknown as RunSummary[]
  }

  /** The last measurements of an agent, oldest first: seeds the averages of a pool that starts. */
  async seed(agent: string, limit = 1000): Promise<Measurement[]> {
    await this.#written()
    const rows = await this.#all(
      `SELECT * FROM (SELECT epoch_ms(ts)::DOUBLE AS "at", kind, device, backend, adapter, model, ms, ok, error, input_elems::DOUBLE AS "inputElems"
         FROM runs WHERE agent = $1 ORDER BY ts DESC LIMIT $2) ORDER BY "at"`,
      [agent, limit],
    )
    return rows.map((r) =>
      Object.fromEntries(Object.entries(r).filter(([, value]) => value !== null)),
    ) as unknown as Measurement[]
  }

  /**
   * Has DuckDB keep in its file what it holds in memory and in its log (up to 16 MiB of log, five times that in memory), and gives what this whole
   * process has freed and the C library keeps back to the system: DuckDB has glibc do so (`malloc_trim`) whenever its limit is set, and Node never
   * does.
   */
  async giveBack(): Promise<void> {
    try {
      await this.#run("CHECKPOINT", [])
    } finally {
      await this.#run(`SET memory_limit = '${MEMORY_LIMIT}'`, [])
    }
  }

  /** Writes what waits and gives the file free. */
  async close(): Promise<void> {
    clearInterval(this.#daily)
    try {
      await this.flush()
    } finally {
      await this.#exclusive(async () => {
        this.#isClosed = true
        clearTimeout(this.#timer)
        this.#connection.closeSync()
        this.#instance.closeSync()
      })
    }
  }

  /** What can't be written is told, and keeps nobody from reading what was. */
  #written(): Promise<void> {
    return this.flush().catch(this.#options.onError)
  }

  #at(): bigint {
    return BigInt(Math.round(this.#options.now()))
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#chain.then(work, work)
    this.#chain = done.catch(() => {})
    return done
  }

  /** All that `work` does, or nothing of it. */
  async #transaction(work: () => Promise<void>): Promise<void> {
    await this.#connection.run("BEGIN")
    try {
      await work()
      await this.#connection.run("COMMIT")
    } catch (error) {
      await this.#connection.run("ROLLBACK").catch(() => {})
      throw error
    }
  }

  #run(sql: string, values: Parameters<DuckDBConnection["run"]>[1]): Promise<unknown> {
    return this.#exclusive(() => this.#connection.run(sql, values))
  }

  #all(sql: string, values: Parameters<DuckDBConnection["run"]>[1]): Promise<Record<string, unknown>[]> {
    return this.#exclusive(async () => (await this.#connection.runAndReadAll(sql, values)).getRowObjectsJS())
  }
}
