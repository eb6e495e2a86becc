import type { AnyKernel, Choice, Limits, Plan } from "../define-kernel.ts"
import { makePlan } from "../plan.ts"

/** Of algorithms whose only constant is the size of their workgroup. */
const WORKGROUPS = [4, 32, 64, 128, 256].map((WG) => ({ WG }))

/**
 * What is worth measuring for `problem` on a device with these limits: the plan's own choice first, then every algorithm with its source's constants and those that it names.
 * None is there twice, or where it can't be had.
 */
export function variantsOf(kernel: AnyKernel, problem: unknown, limits: Limits): Plan[] {
  const own = makePlan(kernel, problem, { ...limits, winners: undefined })
  const all = Object.entries(kernel.algorithms).flatMap(([algorithm, { source, tunings }]): Choice[] => {
    const others = Object.keys(source.overrides).join() === "WG" ? WORKGROUPS : []
    const given = typeof tunings === "function" ? tunings(problem) : tunings
    return [{}, ...(given ?? others)].map((tuning) => ({ algorithm, tuning }))
  })
  const plans = new Map(
    [own, ...all.flatMap((one) => planned(kernel, problem, limits, one))].map((one) => [key(one), one]),
  )
  return [...plans.values()]
}

function planned(kernel: AnyKernel, problem: unknown, limits: Limits, choice: Choice): Plan[] {
  try {
    return [makePlan(kernel, problem, limits, choice)]
  } catch {
    return []
  }
}

const key = ({ algorithm, tuning }: Plan) => `${algorithm} ${Object.entries(tuning)}`
