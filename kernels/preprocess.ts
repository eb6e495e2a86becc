import { fail } from "../protocol/errors/error.ts"
import { withHalves } from "./halves.ts"

/** What `#if` can ask about. */
export type Config = Readonly<Record<string, boolean | number | string>>

/**
 * `path` with every `#include "other.wgsl"` replaced by that file, once: a second include of the same file is empty.
 * Paths are relative to `kernels/`. `read` throws where a file is not there.
 */
export function resolveIncludes(path: string, read: (path: string) => string, seen = new Set<string>()): string {
  seen.add(path)
  return read(path)
    .split("\n")
    .map((line) => {
      const name = line.match(/^#include "([^"]+)"\s*$/)?.[1]
      if (name === undefined) return line
      return seen.has(name) ? "" : resolveIncludes(name, read, seen).trimEnd()
    })
    .join("\n")
}

/**
 * Keeps the lines whose `#if` holds: `#if NAME`, `#if !NAME`, `#if NAME == value`, `#else`, `#endif`, nested at will. A name the
 * config lacks counts as false. `#const NAME` declares the config's whole number of that name, as a u32.
 * HALVES names the inputs that hold float16, a blank between them, which are read as such with F16. Dropped lines become empty, so that a compiler's line numbers stay those of `code`.
 */
export function preprocess(path: string, code: string, config: Config): string {
  const refuse = (line: number, what: string) => fail("IPFA_INTERNAL", { message: `${path}:${line + 1}: ${what}` })
  const open: { keep: boolean; otherwise: boolean }[] = []
  const keeping = () => open.every((branch) => branch.keep)

  const lines = code.split("\n").map((line, at) => {
    if (!line.startsWith("#")) return keeping() ? line : ""
    const [, directive, condition = ""] = line.match(/^#(\w+)\s*(.*?)\s*$/) ?? []
    if (directive === "if") open.push({ keep: holds(condition, config), otherwise: false })
    else if (directive === "else") {
      const branch = open.at(-1)
      if (!branch || branch.otherwise) throw refuse(at, "#else without #if")
      branch.keep = !branch.keep
      branch.otherwise = true
    } else if (directive === "endif") {
      if (!open.pop()) throw refuse(at, "#endif without #if")
    } else if (directive === "const") {
      if (!keeping()) return ""
      const value = config[condition]
      if (typeof value !== "number" || !Number.isInteger(value) || value < 0)
        throw refuse(at, `${condition} is no whole number`)
      return `const ${condition} = ${value}u;`
    } else throw refuse(at, `unknown directive "${line}"`)
    return ""
  })
  if (open.length > 0) throw refuse(lines.length, "#if without #endif")
  const text = lines.join("\n")
  return typeof config.HALVES === "string"
    ? withHalves(path, text, config.HALVES.split(" "), config.F16 === true)
    : text
}

function holds(condition: string, config: Config): boolean {
  const [, not, name, value] = condition.match(/^(!?)(\w+)(?:\s*==\s*(\w+))?$/) ?? []
  if (name === undefined || (not && value !== undefined))
    throw fail("IPFA_INTERNAL", { message: `"#if ${condition}": expected NAME, !NAME or NAME == value` })
  const given = Object.hasOwn(config, name) ? config[name]! : false
  return value === undefined ? Boolean(given) !== (not === "!") : String(given) === value
}
