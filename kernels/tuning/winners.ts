import type { AnyKernel, Choice, Shape, TensorType } from "../define-kernel.ts"
import type { Work } from "../prepare.ts"

/** The choice that was measured to be the fastest, beside the plan's own. */
export interface Winner extends Choice {
  /** Medians of one dispatch. */
  readonly ms: number
  readonly planMs: number
}

/** What was measured on one adapter, by `winnerKey`. */
export type Winners = ReadonlyMap<string, Winner>

/** What tells adapters apart, as far as the platform says it. */
export function adapterKey({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return [vendor, architecture, device, description].filter(Boolean).join(" ") || "unnamed"
}

/**
 * What a measurement holds for: the op, its sources as they are, sizes that round up to the same powers of two, and attributes that are names or switches, those
 * that are left out being the defaults. A kernel whose source changes is measured anew.
 */
export function winnerKey(
  { name, algorithms, defaults }: AnyKernel,
  inputs: readonly (TensorType | undefined)[],
  attributes: object,
  output: TensorType,
): string {
  const sources = Object.values(algorithms).map(({ source }) => source.hash.slice(0, 8))
  return `${name} ${bucket(inputs, { ...defaults, ...attributes }, output)} ${sources.join("-")}`
}

/** The `winnerKey` of a piece of work. */
export function workKey(work: Work): string {
  return winnerKey(work.kernel, work.inputs, work.attributes, outputOf(work))
}

/** What a person reads of it: the kernel, and what of its shapes and attributes a measurement holds for. */
export function describeWork(work: Work): string {
  const { kernel, inputs, attributes } = work
  return `${kernel.name} ${bucket(inputs, { ...kernel.defaults, ...attributes }, outputOf(work))}`
}

/** The part of a key that people read: `64×1024 1024×1024 → 64×1024`. */
function bucket(inputs: readonly (TensorType | undefined)[], attributes: object, output: TensorType): string {
  const named = Object.entries(attributes).flatMap(([name, value]) => {
    if (value === true) return [name]
    return typeof value === "string" ? [`${name}=${value}`] : []
  })
  // Whether the last ones are left out or undefined is the same.
  const given = inputs.slice(0, 1 + inputs.findLastIndex((input) => input))
  const shapes = given.map((input) => (input ? rounded(input.shape) : "none"))
  return [...shapes, "→", rounded(output.shape), ...named].join(" ")
}

function rounded(shape: Shape): string {
  return shape.map((size) => (size < 4 ? size : 2 ** Math.ceil(Math.log2(size)))).join("×") || "1"
}

function outputOf({ kernel, inputs, attributes }: Work): TensorType {
  return kernel.output(kernel.problem(inputs, { ...kernel.defaults, ...attributes }))
}
