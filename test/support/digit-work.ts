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
  /** Codes of the runs that failed. */
  codes: string[]
  /** The longest time from one answer to the next, ms. */
  longestMs: number
}

export interface DigitWork {
  soFar(): Promise<Worked>
  /** Resolves when there are so many more right answers; none so far was wrong, and no run failed. */
  goesOn(more?: number): Promise<Worked>
}

const images = digits.samples.map(({ image }) => image)

/** Has the page compute digits, one run after another, until one fails, and compare each answer with ONNX Runtime's. */
export async function digitWork(page: Evaluates, options: { device?: string } = {}): Promise<DigitWork> {
  const expected = await nativeLogits(images)
  await page.evaluate(
    async ({ images, expected, tolerance, options }) => {
      const session = await window.ipfsAccelerate.load("/models/digits.onnx", options)
      const data = Float32Array.from(images.flat())
      const work: Worked = { right: 0, wrong: 0, codes: [], longestMs: 0 }
      let answeredAt: number | undefined
      Object.assign(window, { digitWork: work })
      const image = { dtype: "float32", shape: [images.length, 1, 8, 8], data }
      const goOn = async () => {
        while (work.codes.length === 0)
          try {
            const { data } = (await session.run({ image })).outputs.logits as { data: Float32Array }
            const isRight = expected.every((value, i) => Math.abs(value - (data[i] as number)) < tolerance)
            work[isRight ? "right" : "wrong"]++
            const now = performance.now()
            work.longestMs = Math.max(work.longestMs, now - (answeredAt ?? now))
            answeredAt = now
          } catch (error) {
            work.codes.push((error as PageFault).code ?? String(error))
          }
      }
      void goOn()
    },
    { images, expected, tolerance: digits.tolerance, options },
  )
  const soFar = () => page.evaluate(() => (window as unknown as { digitWork: Worked }).digitWork)
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
  }
}
