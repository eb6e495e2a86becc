import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { BrowserContext, Page } from "playwright-core"
import { expect } from "vitest"
import { type DeviceInfo, decodeFrame, dtypes, encodeFrame, joinBytes } from "../../protocol/index.ts"
import { bundle } from "../support/bundle.ts"
import { serveFolder } from "../support/serve.ts"
import { type ConformanceCase, refusalOf } from "./case.ts"
import type { Drive, Driven } from "./drive.ts"
import { edgeTensor } from "./dtype-cases.ts"
import { expectRight } from "./judge.ts"
import type { Outcome, PlanFile, Probed } from "./page.ts"
import { reference } from "./reference.ts"
import { identity, ones } from "./tiny-models.ts"

const root = resolve(import.meta.dirname, "../..")

export interface Harness {
  /** A new page with page.ts in it; cross-origin isolated unless asked otherwise. */
  open(isolated?: boolean): Promise<PageUnderTest>
  /** Ends the servers; the browser is its owner's. */
  close(): Promise<void>
}

export interface PageUnderTest {
  page: Page
  /** Starts `backend` in a worker under `name` and probes it. */
  start(backend: string, name?: string, threads?: number): Promise<Probed>
  drive(device: string, model: ConformanceCase["model"], plan: Drive, name?: string): Promise<Outcome>
}

/** Bundles page and worker, serves them, and opens pages of them in `context`. */
export async function harness(context: BrowserContext): Promise<Harness> {
  const entries = { page: join(root, "test/conformance/page.ts"), worker: join(root, "engine/worker/worker.ts") }
  const built = await bundle(entries)
  const folder = await mkdtemp(join(tmpdir(), "ipfa plans "))
  const mounts = { "/ort/": join(root, "node_modules/onnxruntime-web/dist"), "/plans/": folder }
  const servers = {
    true: await serveFolder(built.dir, { isolated: true, mounts }),
    false: await serveFolder(built.dir, { mounts }),
  }
  let plans = 0
  return {
    async open(isolated = true) {
      const page = await context.newPage()
      await page.goto(servers[`${isolated}`].url)
      await page.waitForFunction(() => "conformance" in globalThis)
      return {
        page,
        start: (backend, name = backend, threads) =>
          page.evaluate(([n, b, t]) => globalThis.conformance.start(n, b, t), [name, backend, threads] as const),
        async drive(device, model, plan, name = device.replace(/[:#].*/, "")) {
          const bytes = typeof model === "string" ? new Uint8Array(await readFile(model)) : model
          const file = `${plans++}.bin`
          await writeFile(join(folder, file), joinBytes(encodeFrame({ model: bytes, plan } satisfies PlanFile)))
          const args = [name, device, `/plans/${file}`] as const
          return page.evaluate(([n, d, url]) => globalThis.conformance.drive(n, d, url), args)
        },
      }
    },
    async close() {
      await Promise.all([servers.true.close(), servers.false.close(), built.remove()])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export function drivenOf(outcome: Outcome): Driven {
  if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.message}`)
  return decodeFrame(Buffer.from(outcome.frame, "base64")) as Driven
}

/** `conformance` on `device` gives the known answer and onnxruntime-node's numbers; where the device lacks what it needs, a typed refusal. */
export async function expectConforms(
  on: PageUnderTest,
  device: DeviceInfo,
  conformance: ConformanceCase,
): Promise<void> {
  const plan = conformance.plan()
  const [outcome, expected] = await Promise.all([on.drive(device.id, conformance.model, plan), reference(conformance)])
  const refusal = refusalOf(conformance, device)
  if (refusal) {
    expect(outcome).toEqual({ ok: false, code: "IPFA_DEVICE_UNSUPPORTED", message: expect.stringMatching(refusal) })
    return
  }
  const driven = drivenOf(outcome)
  expectRight(conformance, driven, expected)
  if (plan.kind !== "runs") expect(driven.keptBytes.during).toBeGreaterThan(0)
}

/** Every dtype comes back bit for bit, empty tensors too, or is refused when the model is opened. */
export async function expectDtypes(on: PageUnderTest, device: DeviceInfo, must: readonly string[]): Promise<void> {
  // Our kernels take the int64 that 32 bits hold, and refuse these.
  const isNarrowed = (dtype: string) => device.backend === "wgsl" && dtype === "int64"
  for (const dtype of dtypes) {
    // WebNN has no tensor without elements: that is a case of its own.
    const feeds = [false, true].map((empty) => ({ x: edgeTensor(dtype, empty) }))
    for (const runs of device.backend === "webnn" ? feeds.map((f) => [f]) : [feeds]) {
      const outcome = await on.drive(device.id, identity(dtype), { kind: "runs", runs })
      if (outcome.ok) expect(drivenOf(outcome).outputs.map((o) => o.y)).toEqual(runs.map((f) => f.x))
      else
        expect([dtype, outcome.code]).toEqual([
          dtype,
          isNarrowed(dtype) ? "IPFA_INPUT_INVALID" : "IPFA_DEVICE_UNSUPPORTED",
        ])
      if (must.includes(dtype) && runs.includes(feeds[0]!)) expect([dtype, outcome.ok]).toEqual([dtype, true])
    }
  }
}

/** A run that wants more than there is fails as such, and what comes after it is right. */
export async function expectMemoryFailure(on: PageUnderTest, device: DeviceInfo, n: number): Promise<void> {
  const run = (count: number) => {
    const plan: Drive = {
      kind: "runs",
      runs: [{ n: { dtype: "int64", shape: [1], data: BigInt64Array.of(BigInt(count)) } }],
    }
    return on.drive(device.id, ones(), plan)
  }
  expect(await run(n)).toMatchObject({ ok: false, code: "IPFA_DEVICE_MEMORY" })
  expect(drivenOf(await run(1000)).outputs[0]?.y?.data).toEqual(Float32Array.of(1000))
}
