import { inferCost, type ModelInfo, readModel } from "../../graph/index.ts"

/** Inference walks every node, on this thread; what is larger than this is not worth the wait for a guess at an order. */
const MOST_NODES = 20_000
/** Calls of functions, and what nodes list, make more of them. */
const MOST_STEPS = 15 * MOST_NODES

/** Shapes of a run's inputs, by name. */
export type Shapes = Readonly<Record<string, readonly number[]>>

/**
 * Operations of one run of a validated model, with inputs of `shapes`; where these are not known yet, with those it declares, and one sample
 * where it leaves only the size of a batch open. Undefined where it can't be told: never a reason not to run a model.
 */
export function flopsOf(bytes: Uint8Array, info: ModelInfo, shapes?: Shapes): number | undefined {
  const fed = shapes ?? oneSample(info)
  const nodes = Object.values(info.operators).reduce((sum, n) => sum + n, 0)
  if (!fed || nodes > MOST_NODES) return undefined
  try {
    const { flops, uncounted } = inferCost(readModel(bytes), fed, { mostSteps: MOST_STEPS })
    return uncounted.length === 0 && Number.isFinite(flops) ? flops : undefined
  } catch {
    // The model passed validation, so it may well run: only what it takes is not known.
    return undefined
  }
}

/** The declared shapes with a batch of one; undefined where more than a batch is open. */
function oneSample(info: ModelInfo): Shapes | undefined {
  const shapes: Record<string, number[]> = {}
  for (const { name, shape, rankUnknown } of info.inputs) {
    const [first, ...rest] = shape
    const known = rest.filter((dim) => typeof dim === "number")
    if (rankUnknown || known.length < rest.length) return undefined
    if (first === undefined) shapes[name] = []
    else if (typeof first === "number") shapes[name] = [first, ...known]
    else if (rest.length === 0) return undefined
    else shapes[name] = [1, ...known]
  }
  return shapes
}
