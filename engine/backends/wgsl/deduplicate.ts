import { clone, toBinary } from "@bufbuild/protobuf"
import { AttributeProtoSchema, NodeProtoSchema } from "../../../graph/generated/onnx_pb.js"
import type { InferredTensor, NodeProto } from "../../../graph/index.ts"

/** What else attributes hold (tensors, graphs) is not compared. */
const COMPARED = new Set([1, 2, 3, 6, 7, 8])

/**
 * `nodes`, in an order in which they can run, where of those that compute the same one is left, which all that used the others use. An output of the graph is made by its own
 * node. `known` tells inputs that differ in name alone.
 */
export function deduplicate(
  nodes: readonly NodeProto[],
  outputs: ReadonlySet<string>,
  known: ReadonlyMap<string, InferredTensor>,
): NodeProto[] {
  const first = new Map<string, NodeProto>()
  const names = new Map<string, string>()
  return nodes.flatMap((node) => {
    const renamed = withInputs(node, names)
    const key = keyOf(renamed, known)
    const same = key && first.get(key)
    const isCovered = same && node.output.every((name, i) => !name || (same.output[i] && !outputs.has(name)))
    if (!isCovered) {
      if (key && !same) first.set(key, renamed)
      return [renamed]
    }
    for (const [i, name] of node.output.entries()) if (name) names.set(name, same.output[i]!)
    return []
  })
}

function withInputs(node: NodeProto, names: ReadonlyMap<string, string>): NodeProto {
  if (!node.input.some((name) => names.has(name))) return node
  const renamed = clone(NodeProtoSchema, node)
  renamed.input = node.input.map((name) => names.get(name) ?? name)
  return renamed
}

/** Equal keys, equal results; undefined where that can't be said. */
function keyOf({ domain, opType, input, attribute }: NodeProto, known: ReadonlyMap<string, InferredTensor>) {
  if (attribute.some(({ type }) => !COMPARED.has(type))) return undefined
  const attributes = attribute.map((one) => toBinary(AttributeProtoSchema, one).join()).sort()
  return JSON.stringify([domain, opType, input.map((name) => identity(name, known)), attributes])
}

/** A tensor by its elements, where they are known, else by its name. */
function identity(name: string, known: ReadonlyMap<string, InferredTensor>): unknown {
  const { dtype, shape, elements } = known.get(name) ?? {}
  if (!elements?.every((element) => element !== null)) return name
  return [dtype, shape, elements.map((element) => (Object.is(element, -0) ? "-0" : String(element)))]
}
