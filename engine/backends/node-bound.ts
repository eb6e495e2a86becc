import { type InferredCost, inferCost, type ModelProto, readModel } from "../../graph/index.ts"
import { fail, type KeptTensor, type Tensor } from "../../protocol/index.ts"

/**
 * Operations that one node may take on a GPU. It is one dispatch, which nothing can interrupt: what holds a GPU for long is taken for a hang,
 * and the GPU is then lost to everybody. A terascale operation takes slow GPUs seconds; the largest nodes of common models (a decoder's
 * convolution at 512 × 512, a layer of a 7 B model over 4,096 tokens) take a third of it.
 */
export const MOST_NODE_FLOPS = 2 ** 40

/** Shapes that a check remembers to have passed. */
const REMEMBERED = 64

/** Throws IPFA_DEVICE_UNSUPPORTED, naming the node, where one takes more than MOST_NODE_FLOPS. */
export function checkNodes({ perNode }: Pick<InferredCost, "perNode">): void {
  const found = perNode.find(({ flops }) => flops > MOST_NODE_FLOPS)
  if (!found) return
  const { name, operator, flops } = found
  const reason = `${operator} ${name} takes ${flops} operations at once, and a GPU is given at most ${MOST_NODE_FLOPS}`
  throw fail("IPFA_DEVICE_UNSUPPORTED", { message: `The device can't run this model: ${reason}.`, data: { reason } })
}

/**
 * The check of `model` for each set of inputs' shapes; the first, for those that it declares, is made at once. What inference can't tell (a
 * shape that follows from computed values) passes.
 */
export function nodeBound(model: Uint8Array): (feeds: Record<string, Tensor | KeptTensor>) => void {
  const proto = withoutWeights(readModel(model))
  const passed = new Set<string>()
  const check = (shapes: Record<string, readonly number[]>) => {
    const key = JSON.stringify(shapes)
    if (passed.has(key)) return
    checkNodes(costOf(proto, shapes))
    if (passed.size >= REMEMBERED) passed.clear()
    passed.add(key)
  }
  check({})
  return (feeds) => check(Object.fromEntries(Object.entries(feeds).map(([name, { shape }]) => [name, shape])))
}

function costOf(model: ModelProto, shapes: Record<string, readonly number[]>): Pick<InferredCost, "perNode"> {
  try {
    return inferCost(model, shapes)
  } catch {
    // The model passed validation, so it may well run: only what it takes is not known.
    return { perNode: [] }
  }
}

/** Inference reads the elements of small tensors only: the others need not be held. */
function withoutWeights(model: ModelProto): ModelProto {
  for (const tensor of model.graph?.initializer ?? [])
    if (tensor.rawData.byteLength > 4096) tensor.rawData = new Uint8Array()
  return model
}
