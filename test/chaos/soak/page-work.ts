import { randomUUID } from "node:crypto"
import { rm, writeFile } from "node:fs/promises"
import path from "node:path"
import { type Batch, isRight, type Outcome } from "./jobs.ts"

/** A page in either browser, as far as Playwright and Puppeteer agree. */
export interface Tab {
  evaluate<A>(work: (given: A) => Promise<void>, given: A): Promise<void>
  evaluate(expression: string): Promise<unknown>
  goto(url: string): Promise<unknown>
  reload(): Promise<unknown>
  close(): Promise<void>
}

export interface PageBatch extends Batch {
  device: string
}

interface Work {
  /** Resolves when the first has ended. */
  first: Promise<void>
  all: Promise<Outcome[]>
}

/** A page, and the folder that its site serves below `/batches/`. */
export interface Workplace {
  tab: Tab
  batches: string
}

/**
 * Begins a batch in the page and comes back when the page has it; a new one forgets the last. The page fetches it, and looks itself at whether
 * its answers are right: of every number that went through WebDriver it would make an object, in the very process whose memory is looked at.
 */
export async function beginInPage({ tab, batches }: Workplace, batch: PageBatch): Promise<void> {
  const name = `${randomUUID()}.json`
  await writeFile(path.join(batches, name), JSON.stringify(batch))
  await tab.evaluate(begin, { url: `/batches/${name}`, judge: String(isRight) })
  await rm(path.join(batches, name))
}

/** In the page. `judge`: the text of `isRight`. */
async function begin({ url, judge }: { url: string; judge: string }): Promise<void> {
  const isRight = new Function(`return ${judge}`)() as (job: object, values: ArrayLike<number>) => boolean
  const { model, device, jobs, abortAfter } = (await (await fetch(url, { cache: "no-store" })).json()) as PageBatch
  const failed = (error: unknown) => {
    const { code, message, data } = error as { code?: string; message: string; data?: Record<string, unknown> }
    return code ? { code, message, ...(data && { data }) } : { code: String(error) }
  }
  const { promise: first, resolve: ended } = Promise.withResolvers<void>()
  const controller = new AbortController()
  let count = 0
  const work = async (): Promise<Outcome[]> => {
    try {
      const session = await window.ipfsAccelerate.load(`/models/${model}`, { device })
      const run = async (job: PageBatch["jobs"][number]): Promise<Outcome> => {
        try {
          const feeds = { [job.input]: { dtype: "float32", shape: job.shape, data: Float32Array.from(job.data) } }
          const { outputs } = await session.run(feeds, { signal: controller.signal })
          const values: Float32Array = outputs[job.output].data
          return isRight(job, values) ? { right: true } : { values: [...values] }
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
  }
  Object.assign(window, { soak: { first, all: work() } satisfies Work })
}

const work = () => (window as unknown as { soak: Work }).soak

/** As text: a function that is sent into a page can name no other. */
export const firstInPage = ({ tab }: Workplace) => tab.evaluate(`(${work})().first`) as Promise<void>
export const allInPage = ({ tab }: Workplace) => tab.evaluate(`(${work})().all`) as Promise<Outcome[]>

export async function runInPage(workplace: Workplace, batch: PageBatch): Promise<Outcome[]> {
  await beginInPage(workplace, batch)
  return allInPage(workplace)
}
