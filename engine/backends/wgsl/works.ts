import { type Limits, type Shape, type Work, winnerKey } from "../../../kernels/index.ts"
import { lower } from "./lower.ts"
import { Lowerable } from "./lowerable.ts"

/**
 * What a run of a model computes, each kind once, for inputs whose open dimensions are as in `dims`, else 1: what to tune for it. Throws what opening it would:
 * IPFA_MODEL_INVALID, IPFA_DEVICE_UNSUPPORTED.
 */
export function worksOf(bytes: Uint8Array, limits: Limits, dims: Readonly<Record<string, number>> = {}): Work[] {
  const model = new Lowerable(bytes)
  const shapes = model.info.inputs.map(({ name, shape }): [string, Shape] => [
    name,
    shape.map((dim) => (typeof dim === "number" ? dim : (dims[dim ?? ""] ?? 1))),
  ])
  const { ops } = lower(model, Object.fromEntries(shapes), limits)
  const works = ops.map(({ step: { work, output } }) => {
    const { kernel, inputs, attributes } = work
    return [winnerKey(kernel, inputs, attributes, output), work] as const
  })
  return [...new Map(works).values()]
}
