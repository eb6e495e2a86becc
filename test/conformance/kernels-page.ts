import {
  type AnyKernel,
  KernelRuntime,
  kernelRegistry,
  makePlan,
  problemOf,
  runCase,
  traitsOf,
} from "../../kernels/index.ts"

/** Cases that run side by side: a browser may take 100 ms to hand a result over. */
const AT_ONCE = 16

/** Of each kernel's cases one for each source and its `#if`s, not one of the large ones: whether this adapter's compiler takes them all, and computes what they say. */
function chosen(runtime: KernelRuntime): (readonly [AnyKernel, AnyKernel["cases"][number]])[] {
  return (kernelRegistry as readonly AnyKernel[]).flatMap((kernel) => {
    const found = new Map<string, AnyKernel["cases"][number]>()
    for (const one of kernel.cases.filter(({ large }) => !large)) {
      const problem = problemOf(kernel, one)
      const { algorithm } = makePlan(kernel, problem, runtime.limits, one)
      const key = JSON.stringify([algorithm, kernel.algorithms[algorithm]!.config?.(problem)])
      // The last of them: the first are the smallest, of one element or none.
      found.set(key, one)
    }
    return [...found.values()].map((one) => [kernel, one] as const)
  })
}

/** How many cases passed, and what is wrong with the others. */
async function run(): Promise<{ passed: number; faults: string[] }> {
  const adapter = await navigator.gpu.requestAdapter()
  if (!adapter) throw new Error("There is no adapter.")
  const device = await adapter.requestDevice()
  const runtime = new KernelRuntime(device, traitsOf(device))
  const cases = chosen(runtime)
  const faults: string[] = []
  for (let first = 0; first < cases.length; first += AT_ONCE)
    await Promise.all(
      cases.slice(first, first + AT_ONCE).map(async ([kernel, one]) => {
        const { outcome, reason } = await runCase(runtime, kernel, one)
        if (outcome !== "PASS") faults.push(`${kernel.name}, ${one.name}: ${outcome}: ${reason}`)
      }),
    )
  device.destroy()
  return { passed: cases.length - faults.length, faults }
}

Object.assign(globalThis, { run })
