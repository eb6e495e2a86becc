import { readModel } from "../codec.ts"
import type { FunctionProto, ModelProto } from "../generated/onnx_pb.js"
import { defaultLimits, type ModelLimits } from "../limits.ts"
import { invalid } from "../refuse.ts"
import type { ExternalData } from "./external.ts"
import { checkFunctionCalls } from "./functions.ts"
import { checkAttribute, checkGraph, checkNodes, Scope, type Survey } from "./graph.ts"
import { ownFunctions, readOpsets } from "./opsets.ts"
import { precisionOf } from "./precision.ts"
import { checkType, type DeclaredTensor, tensorInfo } from "./value-info.ts"

export interface ValidateOptions {
  /** The only files that tensors may lie in: name relative to the model → its size in bytes. None by default. */
  externalData?: ExternalData
  limits?: Partial<ModelLimits>
}

export interface ModelInfo {
  irVersion: number
  /** Opset version by domain, `ai.onnx` among them. */
  opsets: Record<string, number>
  /** Name and version of what wrote the file, as it says. */
  producer: string
  /** What a caller feeds: inputs that no initializer gives a value. */
  inputs: DeclaredTensor[]
  outputs: DeclaredTensor[]
  /** Elements of all initializers and Constant tensors. */
  parameters: number
  /** Bytes of all stored tensors, here and in external files. */
  weightBytes: number
  /** What most weights are: `float32`, `float16`, `int8` (or uint8), `int4` (or uint4), `bfloat16`, `float64`; undefined where there are none. */
  precision: string | undefined
  /** How often each operator is used, subgraphs and functions included. Operators of other domains are `domain:name`. */
  operators: Record<string, number>
  /** External files that are used, by name. */
  externalFiles: string[]
}

/**
 * What every model goes through before a runtime sees it: refuses (IPFA_MODEL_INVALID, IPFA_MODEL_TOO_LARGE) a file that is malformed, past
 * `limits`, or refers to anything but itself and `externalData`. The error's `data.path` says where. Allocates no copy of the weights.
 */
export function validateModel(bytes: Uint8Array, options: ValidateOptions = {}): ModelInfo {
  return inspectModel(readModel(bytes, options.limits), options)
}

/** The same for a model that is decoded already. */
export function inspectModel(model: ModelProto, options: ValidateOptions = {}): ModelInfo {
  const limits = { ...defaultLimits, ...options.limits }
  const { graph } = model
  if (!graph) throw invalid("graph", "a graph")
  // ONNX Runtime refuses files from before IR version 3, which had no opsets.
  if (model.irVersion < 3n || model.irVersion > 100n) throw invalid("ir_version", "a version from 3 to 100")
  if (model.trainingInfo.length > 0) throw invalid("training_info", "none: a model for inference")
  const opsets = readOpsets(model.opsetImport, "", limits)
  checkFunctionCalls(model, limits)
  const survey: Survey = {
    limits,
    external: options.externalData ?? new Map(),
    own: ownFunctions(model),
    operators: new Map(),
    externalFiles: new Set(),
    nodes: 0,
    initializers: 0,
    parameters: 0,
    weightBytes: 0,
    precisions: new Map(),
  }
  checkGraph(graph, "graph", survey, { opsets, inFunction: false })
  model.functions.forEach((f, i) => {
    checkFunction(f, `functions[${i}]`, survey, opsets)
  })
  const stored = new Set(graph.initializer.map((t) => t.name))
  return {
    irVersion: Number(model.irVersion),
    opsets,
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(" "),
    inputs: graph.input.flatMap((x, i) => (stored.has(x.name) ? [] : [tensorInfo(x, `graph.input[${i}]`, limits)])),
    outputs: graph.output.map((x, i) => tensorInfo(x, `graph.output[${i}]`, limits)),
    parameters: survey.parameters,
    weightBytes: survey.weightBytes,
    precision: precisionOf(survey),
    operators: Object.fromEntries([...survey.operators].sort(([a], [b]) => (a < b ? -1 : 1))),
    externalFiles: [...survey.externalFiles].sort(),
  }
}

function checkFunction(f: FunctionProto, path: string, survey: Survey, modelOpsets: Record<string, number>): void {
  const scope = new Scope()
  f.input.forEach((name, i) => {
    scope.define(name, `${path}.input[${i}]`)
  })
  // A function may use domains that only the model imports (ONNX: the model's opset_import is the fallback).
  const setting = { opsets: { ...modelOpsets, ...readOpsets(f.opsetImport, path, survey.limits) }, inFunction: true }
  f.attributeProto.forEach((a, i) => {
    checkAttribute(a, `${path}.attribute_proto[${i}]`, survey, setting, scope, false)
  })
  checkNodes(f.node, path, survey, setting, scope)
  f.output.forEach((name, i) => {
    if (!scope.has(name)) throw invalid(`${path}.output[${i}]`, "the name of a value that is there")
  })
  f.valueInfo.forEach((info, i) => {
    if (info.type) checkType(info.type, `${path}.value_info[${i}].type`, survey.limits)
  })
}
