import { type Limits, type Shape, type Work, workKey } from "../../../kernels/index.ts"
import { lower } from "./lower.ts"
import { Lowerable } from "./lowerable.ts"

/**
 * What a run of a model computes, each kind once: what to tune for it. `shapes` are those of its inputs; where one is not given, its open dimensions are 1. Throws what
 * opening the model would: IPFA_MODEL_INVALID, IPFA_DEVICE_UNSUPPORTED.
 */
export function worksOf(bytes: Uint8Array, limits: Limits, shapes: Readonly<Record<string, Shape>> = {}): Work[] {
  const model = new Lowerable(bytes)
  const inputs = model.info.inputs.map(({ name, shape }): [string, Shape] => [
    name,
    shapes[name] ?? shape.map((dim) => (typeof dim === "number" ? dim : 1)),
  ])
  const { ops } = lower(model, Object.fromEntries(inputs), limits)
  const works = ops.map(({ step: { work } }) => [workKey(work), work] as const)
  return [...new Map(works).values()]
}
