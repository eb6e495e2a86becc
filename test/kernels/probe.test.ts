import { expect, test } from "vitest"
import { probeAdapter } from "../../kernels/index.ts"
import { softwareDevice } from "./software-gpu.ts"

test("a right device passes, with an error above none and within float32's reach", async () => {
  const device = await softwareDevice()
  const result = await probeAdapter(device)
  device.destroy()
  expect(result).toEqual({ ok: true, maxError: expect.any(Number) })
  expect(result.maxError).toBeGreaterThan(0)
  expect(result.maxError).toBeLessThan(1e-4)
})

/** A driver that miscompiles: every shader passes through `rewrite`. */
function miscompiling(device: GPUDevice, rewrite: (code: string) => string): GPUDevice {
  return new Proxy(device, {
    get(target, key) {
      if (key === "createShaderModule")
        return (descriptor: GPUShaderModuleDescriptor) =>
          target.createShaderModule({ ...descriptor, code: rewrite(descriptor.code) })
      const value = Reflect.get(target, key, target)
      return typeof value === "function" ? value.bind(target) : value
    },
  })
}

test.for([
  ["skips barriers", "matmul", (code: string) => code.replaceAll("workgroupBarrier();", "")],
  ["loses precision", "softmax", (code: string) => code.replaceAll("exp(x[", "exp(1.001 * x[")],
  ["loses the last column", "matmul", (code: string) => code.replaceAll("< params.n", "< params.n - 1u")],
] as const)("a device that %s is found out", async ([, op, rewrite]) => {
  const device = await softwareDevice()
  const result = await probeAdapter(miscompiling(device, rewrite))
  device.destroy()
  expect(result.ok).toBe(false)
  expect(result.reason).toMatch(new RegExp(`^${op}, .*: FAIL: element \\d+ is`))
})

test("a lost device does not pass, and says so", async () => {
  const device = await softwareDevice()
  device.destroy()
  await device.lost
  expect(await probeAdapter(device)).toEqual({
    ok: false,
    maxError: Number.NaN,
    reason: expect.stringContaining("IPFA_DEVICE_LOST"),
  })
})
