import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { KernelRuntime, kernelRegistry, runCase } from "../../kernels/index.ts"
import { softwareDevice } from "./software-gpu.ts"

let runtime: KernelRuntime
beforeAll(async () => {
  runtime = new KernelRuntime(await softwareDevice())
})
afterAll(() => runtime?.device.destroy())

for (const kernel of kernelRegistry)
  describe(`${kernel.name} agrees with its float64 reference`, () => {
    for (const one of kernel.cases)
      test(one.name, async () => {
        const { outcome, reason } = await runCase(runtime, kernel, one)
        expect({ outcome, reason }).toEqual({ outcome: "PASS", reason: undefined })
      })
  })
