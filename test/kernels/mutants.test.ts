import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type AnyKernel, KernelRuntime, kernelRegistry, runCase } from "../../kernels/index.ts"
import { casesFor, isListed, type Mutant, mutantCounts, mutantsOf, mutated } from "./mutants.ts"
import { softwareDevice, softwareLimits } from "./software-gpu.ts"
import { survivors } from "./survivors.ts"

let runtime: KernelRuntime
beforeAll(async () => {
  const device = await softwareDevice()
  runtime = new KernelRuntime(device, softwareLimits(device))
})
afterAll(() => runtime?.device.destroy())

/**
 * What became of a wrong line in kernels tried before, by hash: one that several kernels share need not be caught by the cases of each, nor survive those
 * of each where it is listed.
 */
const settled = new Map<string, string | undefined>()

/** The case that catches `mutant`, undefined where none does, null where no case compiles the line it changes. */
async function caughtBy(kernel: AnyKernel, mutant: Mutant): Promise<string | undefined | null> {
  const cases = casesFor(kernel, mutant, runtime.limits)
  if (cases.length === 0) return null
  const before = settled.get(mutant.source.hash)
  if (before !== undefined || (settled.has(mutant.source.hash) && isListed(kernel, mutant))) return before
  const wrong = mutated(kernel, mutant)
  for (const one of cases) {
    // the large cases are for what all others let pass
    if (one.large && isListed(kernel, mutant)) continue
    const { outcome } = await runCase(runtime, wrong, one)
    if (outcome !== "FAIL") continue
    settled.set(mutant.source.hash, one.name)
    return one.name
  }
  settled.set(mutant.source.hash, undefined)
  return undefined
}

describe("the cases catch every wrong variant of a kernel but the listed ones", () => {
  for (const kernel of kernelRegistry)
    test(kernel.name, { timeout: 300_000 }, async () => {
      const survived = new Set<string>()
      const tried = new Set<string>()
      for (const mutant of mutantsOf(kernel)) {
        const caught = await caughtBy(kernel, mutant)
        if (caught !== null) tried.add(mutant.name)
        if (caught === undefined) survived.add(mutant.name)
      }
      expect(tried.size).toBeGreaterThanOrEqual(7)
      expect([...survived].sort()).toEqual(Object.keys(survivors[kernel.name] ?? {}).sort())
      // the numbers in docs/kernels.md
      expect({ tried: tried.size, survived: survived.size }).toEqual(mutantCounts(kernel, runtime.limits))
    })
})
