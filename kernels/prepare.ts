import { fail } from "../protocol/errors/error.ts"
import type { AnyKernel, Choice, Kernel, Limits, StoredDtype, TensorType } from "./define-kernel.ts"
import { workgroupGrid } from "./grid.ts"
import { packParams } from "./params.ts"
import type { PipelineRequest } from "./pipelines.ts"
import { makePlan, type PlanOptions } from "./plan.ts"
import { winnerKey } from "./tuning/winners.ts"

/** A kernel and what it is to compute: what tuning measures other ways to do. */
export interface Work {
  readonly kernel: AnyKernel
  readonly inputs: readonly (TensorType | undefined)[]
  readonly attributes: object
}

/** One dispatch, as far as it follows from types and attributes: what a device is told, and what comes out. */
export interface Step {
  readonly work: Work
  readonly pipeline: PipelineRequest
  /** [0, …]: there is nothing to compute. */
  readonly grid: readonly [x: number, y: number]
  readonly params: ArrayBuffer
  readonly output: TensorType
}

/**
 * Plans `kernel` on inputs of these types; undefined is an optional input that is left out. Pure. Throws IPFA_INPUT_SHAPE,
 * IPFA_INPUT_INVALID, IPFA_DEVICE_UNSUPPORTED.
 */
export function prepare<P, A, N extends string>(
  kernel: Kernel<P, A, N>,
  stored: readonly (TensorType<StoredDtype> | undefined)[],
  attributes: Partial<A>,
  limits: Limits,
  options: PlanOptions<N> = {},
): Step {
  const inputs = stored.map((input) => input && computedType(input))
  checkTypes(kernel, inputs)
  const halves = kernel.inputs.filter((_, i) => stored[i]?.dtype === "float16").map(({ name }) => name)
  const stores = halves.length > 0 && { HALVES: halves.join(" "), F16: limits.features?.has("shader-f16") === true }
  const problem = kernel.problem(inputs, { ...kernel.defaults, ...attributes })
  const output = kernel.output(problem)
  const measured = limits.winners?.get(winnerKey(kernel as AnyKernel, inputs, attributes, output))
  const plan = makePlan(kernel, problem, limits, options, measured as Choice<N> | undefined)
  const { source, config, dispatch } = kernel.algorithms[plan.algorithm]
  const { workgroups, params } = dispatch(problem, plan.tuning)
  return {
    work: { kernel: kernel as AnyKernel, inputs, attributes },
    pipeline: {
      label: `${kernel.name}:${plan.algorithm}`,
      source,
      config: { ...config?.(problem), ...stores },
      tuning: plan.tuning,
    },
    grid: workgroupGrid(workgroups, limits.maxComputeWorkgroupsPerDimension),
    params: packParams(source.params, params),
    output,
  }
}

/** What kernels take a stored tensor as. */
export const computedType = ({ dtype, shape, strides }: TensorType<StoredDtype>): TensorType => ({
  shape,
  strides,
  dtype: dtype === "float16" ? "float32" : dtype,
})

function checkTypes<P, A, N extends string>(
  kernel: Kernel<P, A, N>,
  inputs: readonly (TensorType | undefined)[],
): void {
  const refuse = (path: string, message: string) => fail("IPFA_INPUT_INVALID", { message, data: { path } })
  const names = kernel.inputs.map(({ name, optional }) => (optional ? `${name}?` : name)).join(", ")
  if (inputs.length > kernel.inputs.length) throw refuse("", `${kernel.name} takes ${names}.`)
  for (const [i, { name, dtypes, optional }] of kernel.inputs.entries()) {
    const input = inputs[i]
    if (!input && !optional) throw refuse(name, `${kernel.name} takes ${names}; ${name} is missing.`)
    if (input && !dtypes.includes(input.dtype))
      throw refuse(name, `${kernel.name} takes ${name} as ${dtypes.join(" or ")}, not as ${input.dtype}.`)
  }
}
