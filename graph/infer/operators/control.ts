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

/** Runs the branch that the condition picks. Where the condition isn't known: what both agree on, at the cost of the dearer one. */
function branch(node: NodeContext): Value[] {
  const condition = node.input(0).data?.[0]
  if (condition != null) {
    const taken = node.runGraph(condition ? "then_branch" : "else_branch")
    node.inner = taken.cost
    return taken.outputs
  }
  const [then, other] = [node.runGraph("then_branch"), node.runGraph("else_branch")]
  node.inner = then.cost.flops >= other.cost.flops ? then.cost : other.cost
  if (then.outputs.length !== other.outputs.length) throw node.refusal("branches with equally many outputs")
  return then.outputs.map((v, i) => either(v, other.outputs[i]!))
}

export const control: readonly OperatorDefinition[] = [defineOperator({ names: "If", infer: branch, bytes: 0 })]
