import { effect, signal } from "@preact/signals"
import { SerialQueue } from "../../../engine/serial-queue.ts"
import type { BenchmarkRecord, Peer } from "../../../protocol/index.ts"
import { owner } from "../owner.ts"
import { modelName } from "../words.ts"
import type { BenchmarkDatabase, Choices, Filter, Result, Summary } from "./database.ts"

/** What the page shows of the kept benchmarks. */
export interface Shown {
  choices: Choices
  results: Result[]
  summary: Summary[]
}

const nothing: Shown = { choices: { models: [], devices: [], backends: [] }, results: [], summary: [] }
const everything: Filter = { sha256: "", device: "", backend: "" }

export const filter = signal<Filter>(everything)
export const shown = signal<Shown | undefined>(undefined)
/** Why there is nothing to be seen, where DuckDB could not be had. */
export const fault = signal<unknown>(undefined)

const names = signal<ReadonlyMap<string, string>>(new Map())
/** A model as a person knows it. */
export const nameOf = (sha256: string): string => names.value.get(sha256) ?? sha256

let records: readonly BenchmarkRecord[] = []
let opened: Promise<BenchmarkDatabase> | undefined
const queue = new SerialQueue()

/** One after another: there is one connection to the database. */
function withDatabase<T>(work: (database: BenchmarkDatabase) => Promise<T>): Promise<T> {
  return queue.run(async () => {
    // 34 MB, which only who comes to look at benchmarks waits for.
    opened ??= import("./database.ts").then(({ BenchmarkDatabase }) => BenchmarkDatabase.open())
    opened.catch(() => {
      opened = undefined
    })
    return work(await opened)
  })
}

/** Takes in what is kept now. */
export async function refresh(peer: Peer): Promise<void> {
  try {
    const { benchmarks } = await peer.call("benchmark.list", {})
    records = benchmarks
    if (benchmarks.length === 0) {
      shown.value = nothing
      filter.value = everything
    } else
      await withDatabase(async (database) => {
        await database.load(benchmarks)
        await show(database)
      })
    fault.value = undefined
  } catch (error) {
    // Where the connection ended, the next one comes with what is there.
    if (!peer.isClosed) fault.value = error
  }
}

export function choose(changes: Partial<Filter>): Promise<void> {
  filter.value = { ...filter.value, ...changes }
  return withDatabase(show)
}

/** What is shown, as files; the second with all that is known of each. */
export const csv = (): Promise<string> => withDatabase((database) => database.csv())
export function json(): string {
  const ids = new Set(shown.peek()?.results.map(({ id }) => id))
  return JSON.stringify(
    records.filter(({ id }) => ids.has(id)),
    undefined,
    2,
  )
}

async function show(database: BenchmarkDatabase): Promise<void> {
  const choices = await database.choices()
  filter.value = possible(filter.peek(), choices)
  await database.choose(filter.peek())
  const [results, summary] = [await database.results(), await database.summary()]
  names.value = new Map(choices.models.map(({ sha256, model }) => [sha256, modelName([model], sha256)]))
  shown.value = { choices, results, summary }
}

/** Without what nothing is of any more: who can't choose it can't give it up either. */
function possible({ sha256, device, backend }: Filter, { models, devices, backends }: Choices): Filter {
  return {
    sha256: models.some((model) => model.sha256 === sha256) ? sha256 : "",
    device: devices.includes(device) ? device : "",
    backend: backends.includes(backend) ? backend : "",
  }
}

/** Shows what is kept from now on, and anew whenever the person comes back to the page. */
export function followResults(): void {
  let peer: Peer | undefined
  effect(() => {
    const now = owner().value?.peer
    if (now && now !== peer) void refresh(now)
    peer = now
  })
  document.addEventListener("visibilitychange", () => {
    if (peer && document.visibilityState === "visible") void refresh(peer)
  })
}
