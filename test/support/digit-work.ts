import { expect } from "vitest"
import { digits, nativeLogits } from "./digits.ts"
import type { PageFault } from "./extension.ts"

/** A page of either kind of browser, as far as functions run there. */
export interface Evaluates {
  evaluate<R, A>(run: (arg: A) => R | Promise<R>, arg: A): Promise<R>
  evaluate<R>(run: () => R | Promise<R>): Promise<R>
}

/** What a page has computed so far. */
export interface Worked {
  right: number
  wrong: number
  /** Times that answers had to be computed anew. */
  reruns: number
  /** Codes of the runs that failed. */
  codes: string[]
  /** The longest time from one answer to the next, ms. */
  longestMs: number
  /** When the last run ended, right or not; ms since 1970. */
  endedAt: number
}

export interface DigitWork {
  soFar(): Promise<Worked>
  /** Resolves when there are so many more right answers; none so far was wrong, and no run failed. */
  goesOn(more?: number): Promise<Worked>
  /** Resolves when all lanes have ended with a run that failed. */
  ended(): Promise<Worked>
  /** Begins no run any more; resolves when all that were under way have ended. */
  end(): Promise<Worked>
}

interface WorkOptions {
  device?: string
  /** Lanes: runs that are under way at any time. Default 1. */
  atOnce?: number
  /** How many times over all images are in a run; default 1. */
  repeat?: number
}

const images = digits.samples.map(({ image }) => image)

/** Has the page compute digits, in each lane one run after another until one fails, and compare each answer with ONNX Runtime's. */
export async function digitWork(
  page: Evaluates,
  { device, atOnce = 1, repeat = 1 }: WorkOptions = {},
): Promise<DigitWork> {
  const expected = await nativeLogits(images)
  await page.evaluate(
    async ({ images, expected, tolerance, device, atOnce, repeat }) => {
      const session = await window.ipfsAccelerate.load("/models/digits.onnx", { device })
      const data = Float32Array.from(Array.from({ length: repeat }, () => images).flat(2))
      const image = { dtype: "float32", shape: [repeat * images.length, 1, 8, 8], data }
      const time = () => performance.timeOrigin + performance.now()
      const worked: Worked = { right: 0, wrong: 0, reruns: 0, codes: [], longestMs: 0, endedAt: time() }
      const work = { worked, isEnough: false, ended: Promise.resolve() as Promise<unknown> }
      const lane = async () => {
        for (let isOver = false; !isOver && !work.isEnough; ) {
          try {
            const { outputs, reruns } = await session.run({ image })
            const { data } = outputs.logits as { data: Float32Array }
            const isRight = expected.every(
              (value, i) => Math.abs(value - (data.at(i - expected.length) as number)) < tolerance,
            )
            worked[isRight ? "right" : "wrong"]++
            worked.reruns += reruns
          } catch (error) {
            worked.codes.push((error as PageFault).code ?? String(error))
            isOver = true
          }
          const now = time()
          if (worked.right + worked.wrong > 1) worked.longestMs = Math.max(worked.longestMs, now - worked.endedAt)
          worked.endedAt = now
        }
      }
      work.ended = Promise.all(Array.from({ length: atOnce }, lane))
      Object.assign(window, { digitWork: work })
    },
    { images, expected, tolerance: digits.tolerance, device, atOnce, repeat },
  )
  type Work = { digitWork: { worked: Worked; isEnough: boolean; ended: Promise<unknown> } }
  const soFar = () => page.evaluate(() => (window as unknown as Work).digitWork.worked)
  const ended = () =>
    page.evaluate(async () => {
      const { ended, worked } = (window as unknown as Work).digitWork
      await ended
      return worked
    })
  return {
    soFar,
    async goesOn(more = 20) {
      const { right } = await soFar()
      const isThere = async () => {
        const now = await soFar()
        return now.codes.length + now.wrong > 0 || now.right > right + more
      }
      await expect.poll(isThere, { timeout: 60_000 }).toBe(true)
      const worked = await soFar()
      expect(worked).toMatchObject({ wrong: 0, codes: [] })
      return worked
    },
    ended,
    async end() {
      await page.evaluate(() => void Object.assign((window as unknown as Work).digitWork, { isEnough: true }))
      return ended()
    },
  }
}
