import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { KernelRuntime, kernelRegistry, runCase } from "../../kernels/index.ts"
import { softwareDevice, softwareLimits } from "./software-gpu.ts"

let runtime: KernelRuntime
beforeAll(async () => {
  const device = await softwareDevice()
  runtime = new KernelRuntime(device, softwareLimits(device))
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
