import type { BrowserContext } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { DeviceInfo } from "../../protocol/index.ts"
import { launchWebnnShell, noWebnnShell } from "../support/webnn-shell.ts"
import { cases } from "./cases.ts"
import { expectConforms, expectDtypes, type Harness, harness, type PageUnderTest } from "./harness.ts"

let context: BrowserContext
let served: Harness
let on: PageUnderTest
let devices: DeviceInfo[]

beforeAll(async () => {
  context = await launchWebnnShell()
  served = await harness(context)
  on = await served.open()
  ;({ devices } = await on.start("webnn"))
})

afterAll(async () => {
  await context?.browser()?.close()
  await served?.close()
})

test.skipIf(noWebnnShell)(
  `there is a context of each type, and each computes the known case right${noWebnnShell}`,
  () => {
    expect(devices.map((d) => d.id).sort()).toEqual(["webnn:cpu", "webnn:gpu", "webnn:npu"])
    for (const { probe } of devices) expect(probe?.ok).toBe(true)
  },
)

test.skipIf(noWebnnShell)(
  `a context of a type that the machine may lack is named as what the browser says, and may be the CPU${noWebnnShell}`,
  () => {
    expect(Object.fromEntries(devices.map(({ id, adapter }) => [id, adapter]))).toEqual({
      "webnn:cpu": "webnn cpu",
      "webnn:gpu": "webnn gpu (says the browser; may be the CPU)",
      "webnn:npu": "webnn npu (says the browser; may be the CPU)",
    })
  },
)

describe.skipIf(noWebnnShell).for(["webnn:cpu", "webnn:gpu", "webnn:npu"])(`%s${noWebnnShell}`, (id) => {
  const device = () => devices.find((d) => d.id === id)!

  for (const conformance of cases)
    test(`${conformance.name}: the known answer and onnxruntime-node's numbers`, ({ skip }) => {
      skip(conformance.skip !== undefined, conformance.skip)
      return expectConforms(on, device(), conformance)
    })

  test("every dtype it says it computes in comes back bit for bit; others, and empty tensors, do so or are refused", async () => {
    expect(device().dtypes).toEqual(expect.arrayContaining(["float32", "float16", "int32", "int8", "uint8"]))
    await expectDtypes(on, device(), device().dtypes)
  })
})
