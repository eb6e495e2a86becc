import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type Tensor, tensorBytes } from "../../protocol/index.ts"
import { type ConformanceCase, cases } from "../conformance/cases.ts"
import type { Drive, Driven, Feeds } from "../conformance/drive.ts"
import { expectRight } from "../conformance/judge.ts"
import { reference } from "../conformance/reference.ts"
import { type ExtensionBrowser, launchExtension, pagesDir } from "../support/extension.ts"
import { type Served, serveFolder } from "../support/serve.ts"
import { sharedDir } from "../support/shared.ts"

/** A tensor as it travels into a page and out of it. */
interface Plain {
  dtype: string
  shape: number[]
  data: (number | string)[]
}

const plain = (feeds: Feeds): Record<string, Plain> =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, shape, data }]) => [
      name,
      {
        dtype,
        shape,
        data: Array.from(data as ArrayLike<number | bigint>, (x) => (typeof x === "bigint" ? `${x}` : x)),
      },
    ]),
  )

/** What a page makes of the case by `window.ipfsAccelerate` on wasm, and how many bytes its session held: as it was opened, with its last state, without. */
async function drivePage(page: Page, model: string, plan: Extract<Drive, { kind: "runs" | "carried" }>) {
  const { carry = {}, initial = {} } = plan.kind === "carried" ? plan : {}
  const { runs, bytes, device } = await page.evaluate(
    async ({ model, runs, carry, initial }) => {
      const tensor = ({ dtype, shape, data }: Plain) => ({
        dtype,
        shape,
        data: dtype === "int64" ? BigInt64Array.from(data as string[], BigInt) : Float32Array.from(data as number[]),
      })
      const tensors = (feeds: Record<string, Plain>) =>
        Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, tensor(feed)]))
      const session = await window.ipfsAccelerate.load(model, { device: "wasm" })
      const held = async () => (await window.ipfsAccelerate.status()).sessions[0].memoryBytes as number
      const bytes = [await held()]
      const keep = Object.keys(carry)
      let state: Record<string, object & { dispose?(): Promise<void> }> = tensors(initial)
      const answers: Record<string, Plain>[] = []
      for (const feeds of runs) {
        const { outputs } = await session.run({ ...tensors(feeds), ...state }, { keep })
        for (const kept of Object.values(state)) await kept.dispose?.()
        state = Object.fromEntries(keep.map((name) => [carry[name], outputs[name]]))
        const read = Object.entries(outputs as Record<string, Plain>).filter(([, value]) => "data" in value)
        answers.push(
          Object.fromEntries(read.map(([name, { dtype, shape, data }]) => [name, { dtype, shape, data: [...data] }])),
        )
      }
      bytes.push(await held())
      for (const kept of Object.values(state)) await kept.dispose?.()
      bytes.push(await held())
      return { runs: answers, bytes, device: session.device.id as string }
    },
    { model, runs: plan.runs.map(plain), carry, initial: plain(initial) },
  )
  const outputs = runs.map((run) =>
    Object.fromEntries(
      Object.entries(run).map(([name, { dtype, shape, data }]) => [
        name,
        { dtype, shape, data: Float32Array.from(data as number[]) } as Tensor,
      ]),
    ),
  )
  const driven: Driven = { openMs: 0, runMs: [], outputs, tokens: [], keptBytes: { during: 0, after: 0 } }
  return { driven, bytes, device }
}

const caseOf = (name: string): ConformanceCase => cases.find((one) => one.name === name)!
const chosen = [
  ["kwt1", "kwt1/kwt1.onnx"],
  ["silero-vad", "silero-vad/silero_vad.onnx"],
] as const
const skip = chosen.map(([name]) => caseOf(name).skip).find(Boolean)

describe.skipIf(skip)(`real models run from a page in the extension's pool${skip ? ` (${skip})` : ""}`, () => {
  let browser: ExtensionBrowser
  let site: Served
  beforeAll(async () => {
    site = await serveFolder(pagesDir, { mounts: { "/models/": `${sharedDir}/models` } })
    browser = await launchExtension()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })
  const open = async () => {
    const page = await browser.context.newPage()
    await page.goto(site.url)
    expect(await browser.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
    return page
  }

  test.each(chosen)(
    "two pages share one session of %s on wasm, each with its own state there, and both get onnxruntime-node's numbers",
    async (name, file) => {
      const one = caseOf(name)
      const plan = one.plan() as Extract<Drive, { kind: "runs" | "carried" }>
      const pages = [await open(), await open()]
      const ran = await Promise.all(pages.map((page) => drivePage(page, `/models/${file}`, plan)))
      const expected = await reference(one)
      for (const { driven, bytes, device } of ran) {
        expect(device).toBe("wasm")
        expectRight(one, driven, expected)
        const [opened, during, after] = bytes as [number, number, number]
        const state = Object.values(plan.kind === "carried" ? plan.initial : {}).reduce((n, t) => n + tensorBytes(t), 0)
        // What the other page keeps is not told.
        expect([opened > 0, during - opened, after - opened]).toEqual([true, state, 0])
      }
      // Both are still open: one model, loaded once.
      const options = await browser.openOwn("options.html")
      const session = options.getByTestId("session")
      await expect.poll(() => session.count()).toBe(1)
      expect(await session.getAttribute("data-leases")).toBe("2")
      for (const page of pages) await page.close()
      await options.close()
    },
  )
})
