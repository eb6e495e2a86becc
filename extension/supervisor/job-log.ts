import { openVersioned } from "../../engine/store/open-versioned.ts"
import type { EndedJob, JobEntry } from "../../protocol/index.ts"

export const KEPT_ENTRIES = 1000
export const KEPT_MS = 7 * 24 * 3600_000
/** Jobs alike that end within that time of the entry's last are part of it, so that one busy page doesn't push all others out. */
const TOGETHER_MS = 60_000
/** Entries that a job is compared with: as many callers may take turns. */
const COMPARED = 16
const WRITE_MS = 2000

/** Where the log outlives the supervisor. */
export interface JobStore {
  all(): Promise<JobEntry[]>
  write(changed: Iterable<JobEntry>, dropped: Iterable<JobEntry>): Promise<void>
  clear(): Promise<void>
}

/** What ran here, for the person: the newest entries, for some days. */
export class JobLog {
  readonly #store: JobStore
  readonly #now: () => number
  /** By their first job; oldest first. */
  #entries: JobEntry[]
  readonly #changed = new Set<JobEntry>()
  readonly #dropped = new Set<JobEntry>()
  #timer: ReturnType<typeof setTimeout> | undefined

  private constructor(store: JobStore, entries: JobEntry[], now: () => number) {
    this.#store = store
    this.#entries = entries.sort((a, b) => a.at - b.at)
    this.#now = now
  }

  static async open(store: JobStore, now: () => number = Date.now): Promise<JobLog> {
    const log = new JobLog(store, await store.all(), now)
    log.#drop()
    return log
  }

  add(job: EndedJob): void {
    let entry = this.#entries.slice(-COMPARED).findLast((e) => isAlike(e, job) && job.at - e.lastAt < TOGETHER_MS)
    if (entry) {
      entry.jobs++
      entry.lastAt = job.at
      entry.queueMs += job.queueMs
      entry.runMs += job.runMs
    } else {
      entry = { ...job, jobs: 1, lastAt: job.at }
      this.#entries.push(entry)
    }
    this.#changed.add(entry)
    this.#drop()
    this.#writeSoon()
  }

  /** The last `count`, newest first. */
  last(count: number): JobEntry[] {
    this.#drop()
    return this.#entries.slice(-count).reverse()
  }

  async clear(): Promise<void> {
    this.#entries = []
    this.#changed.clear()
    this.#dropped.clear()
    await this.#store.clear()
  }

  #drop(): void {
    const oldest = this.#now() - KEPT_MS
    const surplus = this.#entries.length - KEPT_ENTRIES
    const kept = this.#entries.findIndex((entry, i) => i >= surplus && entry.lastAt >= oldest)
    const dropped = this.#entries.splice(0, kept < 0 ? this.#entries.length : kept)
    for (const entry of dropped) {
      this.#changed.delete(entry)
      this.#dropped.add(entry)
    }
    if (dropped.length > 0) this.#writeSoon()
  }

  #writeSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const [changed, dropped] = [[...this.#changed], [...this.#dropped]]
      this.#changed.clear()
      this.#dropped.clear()
      // Where the disk is full the log is shorter.
      this.#store.write(changed, dropped).catch(() => undefined)
    }, WRITE_MS)
  }
}

function isAlike(a: JobEntry, b: EndedJob): boolean {
  return (["origin", "model", "device", "outcome", "error"] as const).every((key) => a[key] === b[key])
}

/** In IndexedDB. */
export function idbJobs(name = "ipfs-accelerate-jobs"): JobStore {
  const store = "jobs"
  const opened = openVersioned(name, [(db) => db.createObjectStore(store, { keyPath: "id" })])
  return {
    all: async () => (await opened).getAll(store),
    async write(changed, dropped) {
      const tx = (await opened).transaction(store, "readwrite")
      for (const entry of changed) void tx.store.put(entry)
      for (const { id } of dropped) void tx.store.delete(id)
      await tx.done
    },
    clear: async () => (await opened).clear(store),
  }
}
