import { requestFullDevice } from "../../engine/backends/webgpu-adapter.ts"
import {
  type AnyKernel,
  KernelRuntime,
  kernelRegistry,
  makePlan,
  problemOf,
  runCase,
  traitsOf,
} from "../../kernels/index.ts"
import { halved } from "../kernels/halved.ts"

/** Cases that run side by side: a browser may take 100 ms to hand a result over. */
const AT_ONCE = 16

type Case = AnyKernel["cases"][number]

const algorithmOf = ({ limits }: KernelRuntime, kernel: AnyKernel, one: Case) =>
  one.algorithm ?? makePlan(kernel, problemOf(kernel, one), limits).algorithm

/** The feature that a case needs and this adapter lacks. */
function lacking(runtime: KernelRuntime, kernel: AnyKernel, one: Case): string | undefined {
  const feature = kernel.algorithms[algorithmOf(runtime, kernel, one)]!.needs?.(problemOf(kernel, one))
  return feature && !runtime.limits.features?.has(feature) ? feature : undefined
}

/** Of each kernel's cases one for each source and its `#if`s, not one of the large ones: whether this adapter's compiler takes them all, and computes what they say. */
function chosen(runtime: KernelRuntime): (readonly [AnyKernel, Case])[] {
  return (kernelRegistry as readonly AnyKernel[]).flatMap((kernel) => {
    const found = new Map<string, Case>()
    for (const one of kernel.cases.filter(({ large }) => !large)) {
      const problem = problemOf(kernel, one)
      const algorithm = algorithmOf(runtime, kernel, one)
      const key = JSON.stringify([algorithm, kernel.algorithms[algorithm]!.config?.(problem)])
      // The last of them: the first are the smallest, of one element or none.
      found.set(key, one)
    }
    return [...found.values()].map((one) => [kernel, one] as const)
  })
}

/** Kernels that are also given float16: all ways in which sources read an input are theirs. */
const halvedToo = ["matmul", "packed-matmul", "gather", "layer-norm"]

/** How many cases passed, whether float16 were read as such, which features others need that the adapter lacks, and what is wrong with the rest. */
async function run(): Promise<{ passed: number; native: boolean; lacks: string[]; faults: string[] }> {
  const adapter = await navigator.gpu.requestAdapter()
  if (!adapter) throw new Error("There is no adapter.")
  const device = await requestFullDevice(adapter)
  const runtime = new KernelRuntime(device, traitsOf(device))
  const own = chosen(runtime)
  const halves = own.filter(([{ name }]) => halvedToo.includes(name))
  const cases = [...own, ...halves.map(([kernel, one]) => [kernel, halved(one)] as const)]
  const faults: string[] = []
  const lacks = new Set<string>()
  let passed = 0
  for (let first = 0; first < cases.length; first += AT_ONCE)
    await Promise.all(
      cases.slice(first, first + AT_ONCE).map(async ([kernel, one]) => {
        const { outcome, reason } = await runCase(runtime, kernel, one)
        const feature = lacking(runtime, kernel, one)
        if (outcome === "PASS") passed++
        else if (outcome === "UNSUPPORTED" && feature) lacks.add(feature)
        else faults.push(`${kernel.name}, ${one.name}: ${outcome}: ${reason}`)
      }),
    )
  device.destroy()
  const native = runtime.limits.features!.has("shader-f16")
  return { passed, native, lacks: [...lacks], faults }
}

Object.assign(globalThis, { run })
