import type { ModelProto, NodeProto, OperatorSetIdProto } from "../generated/onnx_pb.js"
import type { ModelLimits } from "../limits.ts"
import { invalid, quoted, tooLarge } from "../refuse.ts"

/** Domains whose operators the runtimes here have. `ai.onnx` is written as the empty string. */
const KNOWN_DOMAINS = new Set(["", "ai.onnx.ml", "com.microsoft"])

/** Operators that reach outside the model: compiled blobs in other files, code in the host process. */
const REACHING_OUT = new Set(["EPContext", "PythonOp", "PythonOpGrad", "ATen", "TritonOp"])

export const domainOf = (domain: string): string => (domain === "ai.onnx" ? "" : domain)

/** What tells one function of a model from another. */
export const functionKey = (f: { domain: string; overload: string }, name: string): string =>
  `${domainOf(f.domain)}\0${name}\0${f.overload}`

/** Versions by domain (`ai.onnx` under that name), each domain once. */
export function readOpsets(
  imports: readonly OperatorSetIdProto[],
  path: string,
  limits: Pick<ModelLimits, "opsets">,
): Record<string, number> {
  // Each function's are put over the model's.
  if (imports.length > limits.opsets) throw tooLarge(`${path}.opset_import`, "domains", limits.opsets)
  const opsets = new Map<string, number>()
  imports.forEach(({ domain, version }, i) => {
    const at = `${path}.opset_import[${i}]`
    const name = domainOf(domain) || "ai.onnx"
    if (version < 1n || version > 1000n) throw invalid(at, "a version from 1 to 1000")
    if (opsets.has(name)) throw invalid(at, `the domain ${quoted(name)} once`)
    opsets.set(name, Number(version))
  })
  return Object.fromEntries(opsets)
}

/** Refuses a node whose operator no runtime here has: a foreign domain, one that was not imported, or one that reaches outside the model. */
export function checkOperator(node: NodeProto, opsets: Record<string, number>, own: ReadonlySet<string>, path: string) {
  if (node.opType === "") throw invalid(`${path}.op_type`, "an operator's name")
  const domain = domainOf(node.domain)
  if (!Object.hasOwn(opsets, domain || "ai.onnx"))
    throw invalid(`${path}.domain`, `a domain of opset_import, not ${quoted(node.domain)}`)
  if (own.has(functionKey(node, node.opType))) return
  if (!KNOWN_DOMAINS.has(domain))
    throw invalid(
      `${path}.domain`,
      `ai.onnx, ai.onnx.ml, com.microsoft, or a function of the model, not ${quoted(node.domain)}`,
    )
  if (domain === "com.microsoft" && REACHING_OUT.has(node.opType))
    throw invalid(`${path}.op_type`, `an operator that stays within the model, not ${quoted(node.opType)}`)
}

/** The name under which a node's operator is counted. */
export function operatorName(node: NodeProto): string {
  const domain = domainOf(node.domain)
  return domain === "" ? node.opType : `${domain}:${node.opType}`
}

export function ownFunctions(model: ModelProto): Set<string> {
  return new Set(model.functions.map((f) => functionKey(f, f.name)))
}
