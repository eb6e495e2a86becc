import { AccelerateError } from "../../../protocol/errors/index.ts"
import type { NodeContext } from "../context.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { type Value, value } from "../value.ts"

/** What is certain whichever of two branches ran. */
function either(a: Value, b: Value): Value {
  const elem = a.elem === b.elem ? a.elem : 0
  if (!a.shape || !b.shape || a.shape.length !== b.shape.length) return value(elem, null)
  const shape = a.shape.map((d, i) => (d === b.shape![i] ? d : null))
  const data =
    a.data && b.data && a.data.length === b.data.length
      ? a.data.map((x, i) => (x === b.data![i] ? x : null))
      : undefined
  return value(elem, shape, shape.includes(null) ? undefined : data)
}

type Branch = ReturnType<NodeContext["runGraph"]>

/** Runs a branch that may not be the one taken: one whose shapes contradict each other can't be, so it gives nothing. */
function possible(node: NodeContext, name: string): Branch | AccelerateError {
  try {
    return node.runGraph(name)
  } catch (error) {
    if (error instanceof AccelerateError && error.code === "IPFA_MODEL_INVALID") return error
    throw error
  }
}

/** Runs the branch that the condition picks. Where the condition isn't known: what both agree on, at the cost of the dearer one. */
function branch(node: NodeContext): Value[] {
  const condition = node.input(0).data?.[0]
  if (condition != null) return charged(node, node.runGraph(condition ? "then_branch" : "else_branch"))
  const [then, other] = [possible(node, "then_branch"), possible(node, "else_branch")]
  if (then instanceof AccelerateError) {
    if (other instanceof AccelerateError) throw other
    return charged(node, other)
  }
  if (other instanceof AccelerateError) return charged(node, then)
  if (then.outputs.length !== other.outputs.length) throw node.refusal("branches with equally many outputs")
  charged(node, then.cost.flops >= other.cost.flops ? then : other)
  return then.outputs.map((v, i) => either(v, other.outputs[i]!))
}

function charged(node: NodeContext, taken: Branch): Value[] {
  node.inner = taken.cost
  return taken.outputs
}

export const control: readonly OperatorDefinition[] = [defineOperator({ names: "If", infer: branch, bytes: 0 })]
