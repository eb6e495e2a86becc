import { fail } from "../../../protocol/index.ts"

/** Why our kernels can't run a part of a model. */
export interface Refusal {
  /** As `domain:name`; absent where it is about an input or output. */
  readonly operator?: string
  /** A node's name, or that of its first output; absent where nodes of the operator are in functions or branches alone. */
  readonly node?: string
  readonly reason: string
  /** What might make it otherwise: inputs of other shapes, or their elements where these are few. Nothing, where it is absent. */
  readonly dependsOn?: "shapes" | "elements"
}

/** The reason where there is no lowering for an operator. */
export const NO_OPERATOR = "they have no such operator"

/** So many parts are named and the rest are counted: a model has up to 200,000 nodes, and their names are as long as it likes. */
const MOST_NAMED = 100

/** IPFA_DEVICE_UNSUPPORTED with the part of a model that our kernels can't compute. */
export function unsupported(reason: string, data: Record<string, unknown> = {}): Error {
  return fail("IPFA_DEVICE_UNSUPPORTED", {
    message: `Our kernels can't run this model: ${reason}.`,
    data: { reason, ...data },
  })
}

/** As `unsupported`, where the elements of the model's inputs, which are not always known, might say otherwise. */
export const undecided = (reason: string): Error => unsupported(reason, { dependsOn: "elements" })

/** IPFA_DEVICE_UNSUPPORTED that names all of `refusals`, operator by operator and node by node. */
export function refused(refusals: readonly Refusal[]): Error {
  const named = refusals.slice(0, MOST_NAMED)
  const operators = [...new Set(named.flatMap(({ operator }) => operator ?? []))]
  const lacking = new Set(named.flatMap(({ operator, reason }) => (reason === NO_OPERATOR ? operator! : [])))
  const groups = Map.groupBy(
    named.filter(({ reason }) => reason !== NO_OPERATOR),
    ({ operator, reason }) => JSON.stringify([operator, reason]),
  )
  const rest = refusals.length - named.length
  const reasons = [
    ...(lacking.size > 0 ? [`they have no ${[...lacking].join(", ")}`] : []),
    ...groups.values().map((group) => {
      const [{ operator, reason }] = group as [Refusal]
      return operator ? `${operator} ${group.map(({ node }) => node).join(", ")}: ${reason}` : reason
    }),
    ...(rest > 0 ? [`and ${rest} more of its nodes`] : []),
  ]
  const nodes = named.flatMap(({ operator, node, reason }) => (node ? { operator, node, reason } : []))
  return unsupported(reasons.join("; "), { operators, nodes })
}
