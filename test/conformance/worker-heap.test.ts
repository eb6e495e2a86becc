import type { BrowserContext } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { launchChromium } from "../support/chromium.ts"
import { drivenOf, type Harness, harness } from "./harness.ts"
import { ones } from "./tiny-models.ts"

const MIB = 2 ** 20
let context: BrowserContext
let served: Harness

beforeAll(async () => {
  context = await launchChromium()
  served = await harness(context)
})
afterAll(async () => {
  await context?.close()
  await served?.close()
})

describe.for([
  ["a page", false],
  ["a cross-origin-isolated page", true],
] as const)("the worker of %s", ([, isolated]) => {
  test("tells how large its WASM heap is, which does not shrink when sessions are closed", async () => {
    const on = await served.open(isolated)
    await on.start("wasm")
    const heap = () => on.page.evaluate(() => globalThis.conformance.heapBytes("wasm"))
    const small = (await heap())!
    expect(small).toBeGreaterThan(4 * MIB)
    expect(small).toBeLessThan(128 * MIB)
    // That many floats, four bytes each; it throws where there was no room for them.
    const n = { dtype: "int64" as const, shape: [1], data: BigInt64Array.of(BigInt(64 * MIB)) }
    drivenOf(await on.drive("wasm", ones(), { kind: "runs", runs: [{ n }] }))
    // The session is closed by now.
    expect((await heap())!).toBeGreaterThan(256 * MIB)
    await on.page.close()
  })
})
