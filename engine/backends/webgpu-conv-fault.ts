import type { AttributeProto, GraphProto, ModelProto, NodeProto } from "../../graph/generated/onnx_pb.js"
import { readModel, writeModel } from "../../graph/index.ts"
import { fail } from "../../protocol/index.ts"

/**
 * ONNX Runtime 1.30's WebGPU provider computes wrong results, with no error, for a Conv whose input channels are a multiple of 3 above 3 but
 * not of 4, and whose output channels are a multiple of 4: its shader then reads the channels in threes and gets them wrong, on any GPU
 * (found with Silero VAD, 129 channels; github.com/microsoft/onnxruntime/issues/29651). Such nodes are computed on the CPU.
 */
export interface ConvFault {
  /** The model, in which every node of `cpuNodes` has a name. */
  model: Uint8Array
  /** Names of the nodes that the GPU would compute wrong, or whose weights' shape is not in the file; usually none. */
  cpuNodes: string[]
}

/** Throws IPFA_DEVICE_UNSUPPORTED where such a node is in a function, whose nodes the runtime renames. */
export function findConvFault(model: Uint8Array): ConvFault {
  const proto = readModel(model)
  const cpuNodes: string[] = []
  let renamed = false
  const visit = (graph: GraphProto, outer: Scope) => {
    const scope = scopeOf(graph, outer)
    for (const node of graph.node) {
      if (isConv(node) && mayBeWrong(node, scope)) {
        if (!node.name) {
          node.name = `ipfa_cpu_${cpuNodes.length}`
          renamed = true
        }
        cpuNodes.push(node.name)
      }
      for (const branch of subgraphs(node)) visit(branch, scope)
    }
  }
  if (proto.graph) visit(proto.graph, new Map())
  refuseFunctions(proto)
  return { model: renamed ? writeModel(proto) : model, cpuNodes }
}

/** Shapes of the tensors in the file, and from which tensor a node that keeps the shape makes another, by name. */
type Scope = Map<string, readonly bigint[] | string>

const keepsShape = new Set(["DequantizeLinear", "Identity", "Cast"])

function scopeOf(graph: GraphProto, outer: Scope): Scope {
  const scope: Scope = new Map(outer)
  // A feed of another shape than a declared one is refused by the runtime.
  for (const { name, type } of graph.input) {
    const dims = type?.value.case === "tensorType" ? type.value.value.shape?.dim : undefined
    const sizes = dims?.flatMap(({ value }) => (value.case === "dimValue" ? [value.value] : []))
    if (sizes && sizes.length === dims?.length) scope.set(name, sizes)
  }
  for (const tensor of graph.initializer) scope.set(tensor.name, tensor.dims)
  for (const { opType, input, output, attribute } of graph.node) {
    const constant = opType === "Constant" ? attribute.find((a: AttributeProto) => a.t)?.t?.dims : undefined
    if (constant) scope.set(output[0]!, constant)
    else if (keepsShape.has(opType)) scope.set(output[0]!, input[0]!)
  }
  return scope
}

function isConv({ opType, domain }: NodeProto): boolean {
  return opType === "Conv" && (domain === "" || domain === "ai.onnx")
}

function mayBeWrong(node: NodeProto, scope: Scope): boolean {
  const group = node.attribute.find((a) => a.name === "group")?.i ?? 1n
  if (group !== 1n) return false
  const shape = shapeOf(node.input[1], scope)
  if (!shape) return true
  const [outputs = 0n, inputs = 0n] = shape
  return inputs > 3n && inputs % 3n === 0n && inputs % 4n !== 0n && outputs % 4n === 0n
}

function shapeOf(name: string | undefined, scope: Scope): readonly bigint[] | undefined {
  const seen = new Set<string>()
  let found = name
  while (found !== undefined && !seen.has(found)) {
    seen.add(found)
    const entry = scope.get(found)
    if (typeof entry !== "string") return entry
    found = entry
  }
  return undefined
}

function subgraphs({ attribute }: NodeProto): GraphProto[] {
  return attribute.flatMap((a) => (a.g ? [a.g, ...a.graphs] : a.graphs))
}

function refuseFunctions({ functions }: ModelProto): void {
  const inFunction = functions.find((f) => f.node.some(isConv))
  if (!inFunction) return
  const reason = `function ${inFunction.name} has a Conv, which ONNX Runtime's WebGPU provider may compute wrong`
  throw fail("IPFA_DEVICE_UNSUPPORTED", { message: `The device can't run this model: ${reason}`, data: { reason } })
}
