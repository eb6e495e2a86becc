import { fail } from "../protocol/errors/error.ts"
import type { Choice, Kernel, Limits, Plan, Tuning } from "./define-kernel.ts"

export interface PlanOptions<N extends string = string> {
  /** Forces the algorithm: where it can't be had the call fails, it never falls back. */
  algorithm?: N
  /** Override constants in place of the defaults. */
  tuning?: Tuning
}

/**
 * Which algorithm computes `problem`, with which constants: the caller's choice; else what was `measured` to be the fastest, where this problem can have it; else the
 * kernel's. Pure. Throws IPFA_INPUT_INVALID for an algorithm or constant that is not there, IPFA_DEVICE_UNSUPPORTED for one that can't be had.
 */
export function makePlan<P, A, N extends string>(
  kernel: Kernel<P, A, N>,
  problem: P,
  limits: Limits,
  options: PlanOptions<N> = {},
  measured?: Choice<N>,
): Plan<N> {
  if (measured && options.algorithm === undefined && options.tuning === undefined) {
    // Sizes that share a measurement may differ in what they can have.
    const plan = checked(kernel, problem, limits, measured)
    if (!(plan instanceof Error)) return plan
  }
  const chosen = options.algorithm === undefined ? ownChoice(kernel, problem, limits) : { algorithm: options.algorithm }
  const plan = checked(kernel, problem, limits, chosen, options.tuning)
  if (plan instanceof Error) throw plan
  return plan
}

/** `choice` with all its constants, or why it can't be had. */
function checked<P, A, N extends string>(
  kernel: Kernel<P, A, N>,
  problem: P,
  limits: Limits,
  { algorithm: name, tuning: own }: Choice<N>,
  given: Tuning = {},
): Plan<N> | Error {
  if (!Object.hasOwn(kernel.algorithms, name))
    return fail("IPFA_INPUT_INVALID", {
      message: `${kernel.name} has no algorithm "${name}".`,
      data: { path: "algorithm", expected: Object.keys(kernel.algorithms) },
    })
  const algorithm = kernel.algorithms[name]
  const { overrides } = algorithm.source
  const tuning = { ...overrides, ...own, ...given }
  for (const [key, value] of Object.entries(tuning))
    if (!Object.hasOwn(overrides, key) || !Number.isInteger(value) || value < 1)
      return fail("IPFA_INPUT_INVALID", {
        message: `${kernel.name}:${name} can't be tuned by ${key} = ${value}.`,
        data: { path: `tuning.${key}`, expected: Object.keys(overrides) },
      })

  const { size, bytes } = algorithm.workgroup(tuning)
  const feature = algorithm.needs?.(problem)
  const lacks = feature && !limits.features?.has(feature) ? `it needs WGSL's ${feature}` : undefined
  const reason = overLimits(size, bytes, limits) ?? lacks ?? algorithm.refuses?.(problem, tuning, limits)
  if (reason !== undefined)
    return fail("IPFA_DEVICE_UNSUPPORTED", {
      message: `${kernel.name}:${name} can't run that: ${reason}.`,
      data: { algorithm: name, reason },
    })
  return { algorithm: name, tuning }
}

function ownChoice<P, A, N extends string>(kernel: Kernel<P, A, N>, problem: P, limits: Limits): Choice<N> {
  const own: Choice = kernel.plan(problem, limits)
  return (limits.quirks ?? []).reduce(
    (choice, quirk) => quirk.plan?.(kernel, choice, limits) ?? choice,
    own,
  ) as Choice<N>
}

function overLimits([x, y]: readonly [number, number], bytes: number, limits: Limits): string | undefined {
  if (x * y > limits.maxComputeInvocationsPerWorkgroup)
    return `a workgroup of ${x * y} invocations is over the device's ${limits.maxComputeInvocationsPerWorkgroup}`
  if (x > limits.maxComputeWorkgroupSizeX || y > limits.maxComputeWorkgroupSizeY)
    return `a workgroup of ${x} × ${y} is over the device's ${limits.maxComputeWorkgroupSizeX} × ${limits.maxComputeWorkgroupSizeY}`
  if (bytes > limits.maxComputeWorkgroupStorageSize)
    return `${bytes} bytes of workgroup memory are over the device's ${limits.maxComputeWorkgroupStorageSize}`
  return undefined
}
