import type { AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto } from "../generated/onnx_pb.js"
import { defaultLimits } from "../limits.ts"
import { invalid, tooLarge } from "../refuse.ts"
import { domainOf, functionKey, operatorName, readOpsets } from "../validate/opsets.ts"
import { NodeContext } from "./context.ts"
import type { Cost, OperatorDefinition } from "./operator.ts"
import { findOperator } from "./operators/index.ts"
import { bytesOf, elems, storedValue, type Value, value } from "./value.ts"

/** Values by name: those of a graph, then those around it. */
export class Values {
  readonly #own = new Map<string, Value>()
  readonly #outer: Values | undefined
  constructor(outer?: Values) {
    this.#outer = outer
  }
  get(name: string): Value | undefined {
    return this.#own.get(name) ?? this.#outer?.get(name)
  }
  hasOwn(name: string): boolean {
    return this.#own.has(name)
  }
  set(name: string, v: Value): void {
    this.#own.set(name, v)
  }
  entries(): IterableIterator<[string, Value]> {
    return this.#own.entries()
  }
}

type Attributes = ReadonlyMap<string, AttributeProto>

/** What is the same for all nodes of a graph or a function's body. */
interface Setting {
  values: Values
  opsets: Record<string, number>
  /** The attributes of the function's call, which its body's may refer to. */
  call: Attributes
  functionDepth: number
}

/** More than any file without functions comes to. */
const MOST_STEPS = defaultLimits.expandedNames + defaultLimits.numbers

const UNKNOWN: Value = { elem: 0, shape: null }

/** Walks a model once, node by node, giving each its outputs' values and its cost. */
export class Propagation {
  /** Operators that no definition is known for: their outputs' shapes, and what follows from them, are unknown. */
  readonly unknownOperators = new Set<string>()
  /** Nodes whose cost could not be had because a shape that decides it is unknown. */
  readonly uncounted: string[] = []
  readonly #functions: ReadonlyMap<string, FunctionProto>
  readonly #opsets: Record<string, number>
  /** Of functions' bodies, whose calls may be many. */
  readonly #bodyOpsets = new Map<FunctionProto, Record<string, number>>()
  readonly #mostSteps: number
  #nodes = 0
  #steps = 0

  /** Refuses (IPFA_MODEL_TOO_LARGE) to walk more than `mostSteps` nodes, their names and what their attributes list, functions once per call. */
  constructor(model: ModelProto, mostSteps: number = MOST_STEPS) {
    this.#mostSteps = mostSteps
    this.#functions = new Map(model.functions.map((f) => [functionKey(f, f.name), f]))
    this.#opsets = readOpsets(model.opsetImport, "", defaultLimits)
  }

  model(graph: GraphProto, values: Values): Cost {
    return this.#graph(graph, "graph", { values, opsets: this.#opsets, call: new Map(), functionDepth: 0 })
  }

  #walk(path: string, steps: number): void {
    this.#steps += steps
    if (this.#steps > this.#mostSteps) throw tooLarge(path, "steps of inference", this.#mostSteps)
  }

  #graph(graph: GraphProto, path: string, setting: Setting): Cost {
    this.#walk(path, graph.input.length + graph.initializer.length + graph.output.length)
    // An initializer that is an input too is only its default.
    for (const [i, t] of graph.initializer.entries()) {
      if (!setting.values.hasOwn(t.name))
        setting.values.set(t.name, checked(storedValue(t), `${path}.initializer[${i}]`))
    }
    return this.#nodesOf(graph.node, path, setting)
  }

  #nodesOf(nodes: readonly NodeProto[], path: string, setting: Setting): Cost {
    const cost: Cost = { flops: 0, bytes: 0, perNode: [] }
    nodes.forEach((node, i) => {
      // Counted here as well as in validation, because this walk enters functions once per call.
      if (++this.#nodes > defaultLimits.expandedNodes) throw tooLarge(path, "nodes", defaultLimits.expandedNodes)
      const one = this.#node(node, `${path}.node[${i}]`, setting)
      cost.flops += one.flops
      cost.bytes += one.bytes
      for (const n of one.perNode) cost.perNode.push(n)
    })
    return cost
  }

  #node(node: NodeProto, path: string, setting: Setting): Cost {
    this.#walk(path, 1 + node.input.length + node.output.length + node.attribute.length)
    const inputs = node.input.map((name) => (name === "" ? undefined : (setting.values.get(name) ?? UNKNOWN)))
    const attributes = attributesOf(node, setting.call)
    for (const { ints, floats, s } of attributes.values())
      this.#walk(path, ints.length + floats.length + (s.length >> 6))
    const own = this.#functions.get(functionKey(node, node.opType))
    if (own) return this.#function(own, path, inputs, attributes, node, setting)
    const definition = findOperator(node.domain, node.opType)
    if (!definition) {
      this.unknownOperators.add(operatorName(node))
      this.uncounted.push(node.name || path)
      for (const name of node.output) setting.values.set(name, UNKNOWN)
      return { flops: 0, bytes: 0, perNode: [] }
    }
    const opset = setting.opsets[domainOf(node.domain) || "ai.onnx"] ?? 1
    const context = new NodeContext(node, path, opset, inputs, attributes, (graph, at, given) => {
      const inner: Setting = { ...setting, values: new Values(setting.values) }
      graph.input.forEach((info, i) => {
        inner.values.set(info.name, given[i] ?? UNKNOWN)
      })
      const cost = this.#attempt(() => this.#graph(graph, at, inner))
      return { outputs: graph.output.map((o) => inner.values.get(o.name) ?? UNKNOWN), cost }
    })
    const outputs = definition.infer(context)
    node.output.forEach((name, i) => {
      if (name !== "") setting.values.set(name, checked(outputs[i] ?? UNKNOWN, path))
    })
    return this.#cost(definition, context, outputs)
  }

  /** A graph that turns out impossible leaves no trace in `uncounted`. */
  #attempt(run: () => Cost): Cost {
    const before = this.uncounted.length
    try {
      return run()
    } catch (error) {
      this.uncounted.length = before
      throw error
    }
  }

  #cost(definition: OperatorDefinition, context: NodeContext, outputs: readonly (Value | undefined)[]): Cost {
    const { node, path, inner } = context
    const flops = definition.flops ? definition.flops(context, outputs) : 0
    const bytes = definition.bytes === 0 ? 0 : (definition.bytes ?? allBytes)(context, outputs)
    if (flops === null || bytes === null) this.uncounted.push(node.name || path)
    const own = { name: node.name || path, operator: operatorName(node), flops: flops ?? 0, bytes: bytes ?? 0 }
    if (!inner) return { flops: own.flops, bytes: own.bytes, perNode: [own] }
    return { flops: own.flops + inner.flops, bytes: own.bytes + inner.bytes, perNode: [own, ...inner.perNode] }
  }

  #function(
    f: FunctionProto,
    path: string,
    inputs: readonly (Value | undefined)[],
    given: Attributes,
    node: NodeProto,
    setting: Setting,
  ): Cost {
    if (setting.functionDepth >= defaultLimits.functionDepth)
      throw tooLarge(path, "functions that call functions", defaultLimits.functionDepth)
    this.#walk(path, f.input.length + f.attributeProto.length + given.size)
    const call = new Map([...f.attributeProto.map((a) => [a.name, a] as const), ...given])
    const values = new Values()
    f.input.forEach((name, i) => {
      values.set(name, inputs[i] ?? UNKNOWN)
    })
    const inner = { values, opsets: this.#opsetsOf(f, path), call, functionDepth: setting.functionDepth + 1 }
    const cost = this.#nodesOf(f.node, path, inner)
    node.output.forEach((name, i) => {
      if (name !== "") setting.values.set(name, values.get(f.output[i] ?? "") ?? UNKNOWN)
    })
    return cost
  }

  #opsetsOf(f: FunctionProto, path: string): Record<string, number> {
    const known = this.#bodyOpsets.get(f)
    if (known) return known
    const opsets = { ...this.#opsets, ...readOpsets(f.opsetImport, path, defaultLimits) }
    this.#bodyOpsets.set(f, opsets)
    return opsets
  }
}

/** A node's attributes by name; those that refer to the function's are looked up in its call, and absent where the call has none. */
function attributesOf(node: NodeProto, call: Attributes): Attributes {
  const out = new Map<string, AttributeProto>()
  for (const a of node.attribute) {
    const found = a.refAttrName === "" ? a : call.get(a.refAttrName)
    if (found) out.set(a.name, found)
  }
  return out
}

/** Every value passes here: a dimension that can't be is the model's fault, not a number to go on with. */
function checked(v: Value, path: string): Value {
  if (!v.shape) return v
  if (v.shape.length > defaultLimits.rank) throw tooLarge(path, "dimensions", defaultLimits.rank)
  for (const d of v.shape) {
    if (d !== null && (!Number.isSafeInteger(d) || d < 0)) throw invalid(path, `dimensions from 0 to 2^53, not ${d}`)
  }
  if ((elems(v.shape) ?? 0) > Number.MAX_SAFE_INTEGER) throw invalid(path, "a tensor of fewer than 2^53 elements")
  return value(v.elem, v.shape, v.data)
}

function allBytes(context: NodeContext, outputs: readonly (Value | undefined)[]): number | null {
  let sum = 0
  const used = outputs.slice(0, context.node.output.length).filter((_, i) => context.node.output[i] !== "")
  for (const v of [...context.inputs, ...used]) {
    const bytes = v ? bytesOf(v) : 0
    if (bytes === null) return null
    sum += bytes
  }
  return sum
}
