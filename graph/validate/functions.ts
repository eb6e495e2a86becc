import type { FunctionProto, ModelProto, NodeProto } from "../generated/onnx_pb.js"
import type { ModelLimits } from "../limits.ts"
import { invalid, quoted, tooLarge } from "../refuse.ts"
import { functionKey } from "./opsets.ts"

/** Every node of `nodes`, those in its subgraphs included. The scan has bounded how deep that goes. */
export function* allNodes(nodes: readonly NodeProto[]): Generator<NodeProto> {
  for (const node of nodes) {
    yield node
    for (const a of node.attribute) {
      if (a.g) yield* allNodes(a.g.node)
      for (const g of a.graphs) yield* allNodes(g.node)
    }
  }
}

interface Expanded {
  nodes: number
  names: number
  depth: number
}

/**
 * Refuses functions that call themselves, call each other too deeply, or grow past the limits when inlined. Runtimes inline every call,
 * recursively, so a chain of functions overflows their stack and a doubling one their memory; so does one of many inputs that is called often,
 * since each call has to be matched with all of them.
 */
export function checkFunctionCalls(model: ModelProto, limits: ModelLimits): void {
  const { functions } = model
  if (functions.length > limits.functions) throw tooLarge("functions", "functions", limits.functions)
  const index = new Map<string, number>()
  functions.forEach((f, i) => {
    if (f.name === "") throw invalid(`functions[${i}].name`, "a name")
    const key = functionKey(f, f.name)
    if (index.has(key)) throw invalid(`functions[${i}]`, `the function ${quoted(f.name)} once`)
    index.set(key, i)
  })
  const done = new Map<number, Expanded>()
  const open = new Set<number>()

  const callee = (node: NodeProto) => index.get(functionKey(node, node.opType))

  function expandBody(nodes: readonly NodeProto[], depth: number, path: string): Expanded {
    const sum: Expanded = { nodes: 0, names: 0, depth: 0 }
    for (const node of allNodes(nodes)) {
      sum.nodes += 1
      sum.names += node.input.length + node.output.length + node.attribute.length
      const i = callee(node)
      if (i !== undefined) {
        const f = functions[i]!
        const inner = expand(f, i, depth + 1)
        sum.nodes += inner.nodes
        sum.names += inner.names + f.input.length + f.output.length + f.attribute.length + f.attributeProto.length
        sum.depth = Math.max(sum.depth, inner.depth + 1)
      }
      if (sum.nodes > limits.expandedNodes)
        throw tooLarge(path, "nodes once functions are inlined", limits.expandedNodes)
      if (sum.names > limits.expandedNames)
        throw tooLarge(path, "names once functions are inlined", limits.expandedNames)
      if (sum.depth > limits.functionDepth) throw tooLarge(path, "functions that call functions", limits.functionDepth)
    }
    return sum
  }

  function expand(f: FunctionProto, i: number, depth: number): Expanded {
    const found = done.get(i)
    if (found) return found
    const path = `functions[${i}]`
    if (open.has(i)) throw invalid(path, `a function that does not call itself, unlike ${quoted(f.name)}`)
    if (depth > limits.functionDepth) throw tooLarge(path, "functions that call functions", limits.functionDepth)
    open.add(i)
    const made = expandBody(f.node, depth, path)
    open.delete(i)
    done.set(i, made)
    return made
  }

  functions.forEach((f, i) => {
    expand(f, i, 0)
  })
  if (model.graph) expandBody(model.graph.node, 0, "graph")
}
