import type { Batch, Failure, Outcome } from "./jobs.ts"

/** A page in either browser, as far as Playwright and Puppeteer agree. */
export interface Tab {
  evaluate<A>(work: (given: A) => void, given: A): Promise<void>
  evaluate(expression: string): Promise<unknown>
  goto(url: string): Promise<unknown>
  reload(): Promise<unknown>
  close(): Promise<void>
}

export interface PageBatch extends Batch {
  device: string
}

/** An outcome on its way out of the page. */
type Told = Failure | { values: string }

interface Work {
  /** Resolves when the first has ended. */
  first: Promise<void>
  all: Promise<Told[]>
}

/**
 * Begins a batch in the page and comes back at once; a new one forgets the last. It travels as text, as do the values that come back: WebDriver makes an object of every
 * number, in the very process whose memory is looked at.
 */
export function beginInPage(tab: Tab, batch: PageBatch): Promise<void> {
  const jobs = batch.jobs.map(({ expected, tolerance, ...job }) => job)
  return tab.evaluate(
    (text) => {
      const { model, device, jobs, abortAfter } = JSON.parse(text) as PageBatch
      const failed = (error: unknown) => {
        const { code, message, data } = error as { code?: string; message: string; data?: Record<string, unknown> }
        return code ? { code, message, ...(data && { data }) } : { code: String(error) }
      }
      const { promise: first, resolve: ended } = Promise.withResolvers<void>()
      const controller = new AbortController()
      let count = 0
      const all = (async () => {
        try {
          const session = await window.ipfsAccelerate.load(`/models/${model}`, { device })
          const run = async ({ input, output, shape, data }: PageBatch["jobs"][number]): Promise<Told> => {
            try {
              const feeds = { [input]: { dtype: "float32", shape, data: Float32Array.from(data) } }
              const { outputs } = await session.run(feeds, { signal: controller.signal })
              return { values: outputs[output].data.join(" ") }
            } catch (error) {
              return failed(error)
            } finally {
              if (++count === abortAfter) controller.abort()
              ended()
            }
          }
          const outcomes = await Promise.all(jobs.map(run))
          const kept = await session.dispose().then(() => undefined, failed)
          return kept ? [kept, ...outcomes.slice(1)] : outcomes
        } catch (error) {
          ended()
          return jobs.map(() => failed(error))
        }
      })()
      Object.assign(window, { soak: { first, all } })
    },
    JSON.stringify({ ...batch, jobs }),
  )
}

const work = () => (window as unknown as { soak: Work }).soak

/** As text: a function that is sent into a page can name no other. */
export const firstInPage = (tab: Tab) => tab.evaluate(`(${work})().first`) as Promise<void>
export async function allInPage(tab: Tab): Promise<Outcome[]> {
  const outcomes = (await tab.evaluate(`(${work})().all`)) as Told[]
  return outcomes.map((told) => ("values" in told ? { values: told.values.split(" ").map(Number) } : told))
}

export async function runInPage(tab: Tab, batch: PageBatch): Promise<Outcome[]> {
  await beginInPage(tab, batch)
  return allInPage(tab)
}
