import { isFieldSet } from "@bufbuild/protobuf"
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type NodeProto,
} from "../generated/onnx_pb.js"
import type { ModelLimits } from "../limits.ts"
import { invalid, quoted, tooLarge } from "../refuse.ts"
import type { ExternalData } from "./external.ts"
import { checkOperator, operatorName } from "./opsets.ts"
import { countPacked, countPrecision } from "./precision.ts"
import { checkTensor, type StoredTensor } from "./tensor.ts"
import { checkType } from "./value-info.ts"

/** What the walk over a model gathers, and what it needs to know. */
export interface Survey {
  readonly limits: ModelLimits
  readonly external: ExternalData
  /** Keys of the model's functions. */
  readonly own: ReadonlySet<string>
  readonly operators: Map<string, number>
  readonly externalFiles: Set<string>
  nodes: number
  initializers: number
  parameters: number
  weightBytes: number
  /** Elements stored, by the name of their precision. */
  readonly precisions: Map<string, number>
}

/** Names that are defined where a node stands: those of its graph, then those around it. */
export class Scope {
  readonly #names = new Set<string>()
  readonly #outer: Scope | undefined

  constructor(outer?: Scope) {
    this.#outer = outer
  }

  define(name: string, path: string): void {
    if (this.#names.has(name)) throw invalid(path, `each name defined once in a graph, but ${quoted(name)} is twice`)
    this.#names.add(name)
  }

  has(name: string): boolean {
    for (let s: Scope | undefined = this; s; s = s.#outer) if (s.#names.has(name)) return true
    return false
  }

  hasOwn(name: string): boolean {
    return this.#names.has(name)
  }
}

/** Opset versions in force, and whether attributes may refer to those of a function. */
export interface Setting {
  opsets: Record<string, number>
  inFunction: boolean
}

/** Walks a graph: tensors, types, names (each defined once, before it is used), operators, and the graphs within nodes. */
export function checkGraph(graph: GraphProto, path: string, survey: Survey, setting: Setting, outer?: Scope): void {
  const scope = new Scope(outer)
  if (graph.sparseInitializer.length > 0)
    throw invalid(`${path}.sparse_initializer`, "none: a sparse tensor's real size is not that of its file")
  survey.initializers += graph.initializer.length
  if (survey.initializers > survey.limits.initializers)
    throw tooLarge(`${path}.initializer`, "initializers", survey.limits.initializers)
  graph.initializer.forEach((t, i) => {
    const at = `${path}.initializer[${i}]`
    if (t.name === "") throw invalid(`${at}.name`, "a name")
    scope.define(t.name, at)
    survey.parameters += addTensor(survey, checkTensor(t, at, survey.external, survey.limits))
  })
  const inputs = new Set<string>()
  graph.input.forEach((info, i) => {
    const at = `${path}.input[${i}]`
    if (info.name === "") throw invalid(`${at}.name`, "a name")
    if (inputs.has(info.name)) throw invalid(at, `the input ${quoted(info.name)} once`)
    inputs.add(info.name)
    if (!scope.hasOwn(info.name)) scope.define(info.name, at)
    if (info.type) checkType(info.type, `${at}.type`, survey.limits)
  })
  graph.valueInfo.forEach((info, i) => {
    if (info.type) checkType(info.type, `${path}.value_info[${i}].type`, survey.limits)
  })
  checkNodes(graph.node, path, survey, setting, scope)
  graph.output.forEach((info, i) => {
    const at = `${path}.output[${i}]`
    if (!scope.has(info.name)) throw invalid(at, `the name of a value that is there, not ${quoted(info.name)}`)
    if (info.type) checkType(info.type, `${at}.type`, survey.limits)
  })
}

function addTensor(survey: Survey, stored: StoredTensor): number {
  survey.weightBytes += stored.bytes
  countPrecision(survey, stored.type.name, stored.elems)
  if (stored.file !== undefined) survey.externalFiles.add(stored.file)
  return stored.elems
}

/** Checks `nodes` in order and defines their outputs in `scope`. */
export function checkNodes(
  nodes: readonly NodeProto[],
  path: string,
  survey: Survey,
  setting: Setting,
  scope: Scope,
): void {
  survey.nodes += nodes.length
  if (survey.nodes > survey.limits.nodes) throw tooLarge(`${path}.node`, "nodes", survey.limits.nodes)
  nodes.forEach((node, i) => {
    const at = `${path}.node[${i}]`
    checkOperator(node, setting.opsets, survey.own, at)
    const name = operatorName(node)
    survey.operators.set(name, (survey.operators.get(name) ?? 0) + 1)
    node.input.forEach((input, k) => {
      if (input !== "" && !scope.has(input))
        throw invalid(`${at}.input[${k}]`, `a value defined before it is used, not ${quoted(input)}`)
    })
    checkAttributes(node, at, survey, setting, scope)
    countPacked(survey, node)
    for (const output of node.output) if (output !== "") scope.define(output, at)
  })
}

function checkAttributes(node: NodeProto, path: string, survey: Survey, setting: Setting, scope: Scope): void {
  const names = new Set<string>()
  node.attribute.forEach((a, i) => {
    const at = `${path}.attribute[${i}]`
    if (a.name === "" || names.has(a.name)) throw invalid(`${at}.name`, "a name, each once in a node")
    names.add(a.name)
    if (a.refAttrName !== "" && !setting.inFunction) throw invalid(`${at}.ref_attr_name`, "none outside a function")
    checkAttribute(a, at, survey, setting, scope, node.opType === "Constant" && a.name === "value")
  })
}

/** Fields of an attribute that hold more than a number or text, each allowed only under its own type. */
const HOLDERS = [
  ["t", AttributeType.TENSOR],
  ["g", AttributeType.GRAPH],
  ["tp", AttributeType.TYPE_PROTO],
  ["tensors", AttributeType.TENSORS],
  ["graphs", AttributeType.GRAPHS],
  ["typeProtos", AttributeType.TYPE_PROTOS],
] as const

export function checkAttribute(
  a: AttributeProto,
  path: string,
  survey: Survey,
  setting: Setting,
  scope: Scope,
  isWeight: boolean,
): void {
  if (a.type === AttributeType.UNDEFINED) throw invalid(`${path}.type`, "an attribute's type")
  if (a.sparseTensor || a.sparseTensors.length > 0)
    throw invalid(path, "no sparse tensor: its real size is not that of its file")
  for (const [field, type] of HOLDERS) {
    if (isFieldSet(a, AttributeProtoSchema.field[field]) && a.type !== type)
      throw invalid(path, `no ${field} in an attribute of another type`)
  }
  const tensors = a.t ? [a.t] : a.tensors
  tensors.forEach((t, i) => {
    const elems = addTensor(
      survey,
      checkTensor(t, a.t ? `${path}.t` : `${path}.tensors[${i}]`, survey.external, survey.limits),
    )
    if (isWeight) survey.parameters += elems
  })
  const graphs = a.g ? [a.g] : a.graphs
  graphs.forEach((g, i) => {
    checkGraph(g, a.g ? `${path}.g` : `${path}.graphs[${i}]`, survey, setting, scope)
  })
  if (a.tp) checkType(a.tp, `${path}.tp`, survey.limits)
  a.typeProtos.forEach((t, i) => {
    checkType(t, `${path}.type_protos[${i}]`, survey.limits)
  })
}
