import type { GenericSchema } from "valibot"

/** What is read of a valibot schema or of one step of its pipe. */
interface Node {
  kind: string
  type: string
  expects?: string | null
  requirement?: unknown
  message?: unknown
  entries?: Record<string, Node>
  item?: Node
  items?: Node[]
  key?: Node
  value?: Node
  wrapped?: Node
  default?: unknown
  literal?: unknown
  class?: { name: string }
  options?: (Node | string)[]
  pipe?: Node[]
}

/** Names for schemas that are declared once and used in many places. */
export type SchemaNames = ReadonlyMap<unknown, string>

/** A schema as a person reads it: TypeScript's notation, with bounds in parentheses behind it; `names` stand in for what they name, but not for `schema` itself. */
export function schemaText(schema: GenericSchema, names: SchemaNames): string {
  return describe(schema as unknown as Node, names, "", true)
}

/** All named schemas that `schema` uses, itself not counted. */
export function namesUsed(schema: GenericSchema, names: SchemaNames): Set<unknown> {
  const used = new Set<unknown>()
  const visit = (node: Node, top: boolean) => {
    if (!top && names.has(node)) {
      if (used.has(node)) return
      used.add(node)
    }
    for (const child of children(node)) visit(child, false)
  }
  visit(schema as unknown as Node, true)
  return used
}

function children(node: Node): Node[] {
  const single = [node.item, node.key, node.value, node.wrapped, node.pipe?.[0]].filter((n) => n !== undefined)
  const options = (node.options ?? []).filter((o) => typeof o === "object")
  return [...single, ...options, ...(node.items ?? []), ...Object.values(node.entries ?? {})]
}

function describe(node: Node, names: SchemaNames, indent: string, top: boolean): string {
  const name = names.get(node)
  if (name && !top) return name
  if (node.pipe) {
    const [base, bounds] = flatten(node, names, top)
    const text = describe(base, names, indent, false)
    return bounds.length > 0 ? `${text} (${bounds.join(", ")})` : text
  }
  const inner = (child: Node | undefined) => describe(child as Node, names, indent, false)
  switch (node.type) {
    case "object":
      return objectText(node.entries ?? {}, names, indent)
    case "array":
      return /^\{|^\w+$/.test(inner(node.item)) ? `${inner(node.item)}[]` : `(${inner(node.item)})[]`
    case "tuple":
      return `[${(node.items ?? []).map(inner).join(", ")}]`
    case "record":
      return `{ [${inner(node.key)}]: ${inner(node.value)} }`
    case "optional":
      return inner(node.wrapped)
    case "union":
    case "variant":
      return (node.options as Node[]).map(inner).join(" | ")
    case "picklist":
      return (node.options ?? []).map((o) => JSON.stringify(o)).join(" | ")
    case "literal":
      return JSON.stringify(node.literal)
    case "instance":
      return node.class?.name ?? "object"
    default:
      return node.type
  }
}

/** What a pipe begins with, and all bounds on it: a pipe may begin with another, which is taken apart unless it has a name. */
function flatten(node: Node, names: SchemaNames, top: boolean): [base: Node, bounds: string[]] {
  if (!node.pipe || (names.has(node) && !top)) return [node, []]
  const [first, ...steps] = node.pipe
  const [base, bounds] = flatten(first as Node, names, false)
  return [base, [...bounds, ...steps.map(bound).filter((text) => text !== "")]]
}

function objectText(entries: Record<string, Node>, names: SchemaNames, indent: string): string {
  const fields = Object.entries(entries)
  if (fields.length === 0) return "{}"
  const deeper = `${indent}  `
  const lines = fields.map(([key, field]) => {
    const optional = field.type === "optional"
    const fallback = optional && field.default !== undefined ? ` = ${JSON.stringify(field.default)}` : ""
    return `${deeper}${key}${optional ? "?" : ""}: ${describe(field, names, deeper, false)}${fallback}`
  })
  return `{\n${lines.join("\n")}\n${indent}}`
}

/** What one step of a pipe demands; nothing for one that only changes the type. */
function bound(step: Node): string {
  const limit = typeof step.requirement === "number" ? step.requirement.toLocaleString("en") : ""
  switch (step.type) {
    case "min_length":
      return `length ≥ ${limit}`
    case "max_length":
      return `length ≤ ${limit}`
    case "min_value":
      return `≥ ${limit}`
    case "max_value":
      return `≤ ${limit}`
    case "safe_integer":
      return "whole"
    case "finite":
      return "finite"
    case "regex":
      return typeof step.message === "string" ? step.message : String(step.requirement)
    case "check":
      return typeof step.message === "string" ? step.message : ""
    case "transform":
    case "raw_check":
      return ""
    default:
      return step.expects ?? step.type.replaceAll("_", " ")
  }
}
