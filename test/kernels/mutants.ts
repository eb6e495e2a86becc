// Wrong variants of a kernel, made from its source: each must be caught by the kernel's cases, or the cases are too weak.
import { createHash } from "node:crypto"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { activationFunctions } from "../../kernels/activation.ts"
import { type AnyKernel, type Limits, makePlan, problemOf, type WgslFile } from "../../kernels/index.ts"
import { preprocess } from "../../kernels/preprocess.ts"
import { survivors } from "./survivors.ts"

export interface Mutant {
  /** `line before → line after` */
  name: string
  algorithm: string
  source: WgslFile
}

/** Rules apply inside function bodies, a match at a time. Operators are told from brackets by the blanks around them. */
const rules: [pattern: RegExp, replacement: string][] = [
  [/ < /g, " <= "],
  [/ >= /g, " > "],
  [/ && /g, " || "],
  [/ \+ /g, " - "],
  [/ - /g, " + "],
  [/ \* /g, " + "],
  [/ \/ /g, " * "],
  [/ % /g, " / "],
  [/ \+= /g, " = "],
  [/workgroupBarrier\(\);/g, ""],
  [/workgroupUniformLoad\(&(.*)\)/g, "$1"],
  [/if \(.*\) \{/g, "if (true) {"],
  [/if \(.*\) \{/g, "if (false) {"],
  [/\bmax\(/g, "min("],
  [/\bmin\(/g, "max("],
  [/\babs\(/g, "("],
  [/\b0\.0\b/g, "0.5"],
  [/\b([234])u\b/g, "1u"],
  [/ 1u\b/g, " 0u"],
  [/\b(\d\.\d{3,})\b/g, "(1.01 * $1)"],
]

/**
 * What may change in a `for (…)` line: its upper bound. A wrong step or a wrong `s > 0u` loops for ever, and a software adapter never ends
 * such a loop.
 */
const inLoopHead = new Set([" < "])

/** Lines of the files that sources include. */
const root = join(import.meta.dirname, "../../kernels/wgsl")
const linesOf = (file: string) => readFileSync(join(root, file), "utf8").split(/\r?\n/)
const included = new Set(globSync("*.wgsl", { cwd: root }).flatMap(linesOf))

/** What unpacks weights is the same code in three kernels, and compiling it takes long: it is changed in the one whose cases have all of it. */
const unpacking = new Set(linesOf("packed.wgsl"))
/** Functions that others, too, do to their results are changed in the kernels that are nothing else. What they read of `Params` is each kernel's own. */
const functions = new Set(
  ["activation.wgsl", "activate.wgsl"].flatMap(linesOf).filter((line) => !line.includes("params.")),
)
const functionKernels: ReadonlySet<string> = new Set([...activationFunctions, "erf"])
const isElsewhere = (kernel: AnyKernel, line: string) =>
  (kernel.name !== "packed-matmul" && unpacking.has(line)) || (!functionKernels.has(kernel.name) && functions.has(line))

/** The lines, by number, that the cases of `algorithm` compile. */
function linesCompiled(kernel: AnyKernel, algorithm: string): Set<number> {
  const { source, config } = kernel.algorithms[algorithm]!
  const own = kernel.cases.filter((one) => one.algorithm === algorithm)
  const configs = own.map((one) => config?.(problemOf(kernel, one)) ?? {})
  const distinct = new Map(configs.map((one) => [JSON.stringify(one), one]))
  const kept = [...distinct.values()].map((one) => preprocess("", source.code, one).split("\n"))
  return new Set([...source.code.split("\n").keys()].filter((at) => kept.some((lines) => lines[at] !== "")))
}

/** What several algorithms of a kernel include, or have as their one source, is changed in the first of them only that compiles it. */
export function mutantsOf(kernel: AnyKernel): Mutant[] {
  const done = new Set<string>()
  const paths = Object.values(kernel.algorithms).map(({ source }) => source.path)
  return Object.entries(kernel.algorithms).flatMap(([algorithm, { source }]) => {
    const lines = source.code.split("\n")
    const found: Mutant[] = []
    const before = new Set(done)
    const isShared = paths.indexOf(source.path) !== paths.lastIndexOf(source.path)
    const compiled = isShared ? linesCompiled(kernel, algorithm) : undefined
    for (const [at, line] of lines.entries()) {
      const place = `${source.path}:${at}`
      if ((compiled && !compiled.has(at)) || before.has(place)) continue
      if ((included.has(line) && before.has(line)) || isElsewhere(kernel, line)) continue
      done.add(line).add(place)
      if (!line.startsWith("  ") || line.trimStart().startsWith("@") || /^ {2}\w+: /.test(line)) continue
      const code = line.replace(/\/\/.*/, "")
      const loopHead = code.includes("for (")
      for (const [pattern, replacement] of rules)
        for (const match of code.matchAll(pattern)) {
          if (loopHead && !inLoopHead.has(match[0])) continue
          const after = match[0].replace(new RegExp(pattern.source), replacement)
          const changed = code.slice(0, match.index) + after + code.slice(match.index + match[0].length)
          const mutated = lines.with(at, changed).join("\n")
          found.push({
            name: `${code.trim()} → ${changed.trim() || "(nothing)"}`,
            algorithm,
            source: { ...source, code: mutated, hash: createHash("sha256").update(mutated).digest("hex") },
          })
        }
    }
    return found
  })
}

/** `kernel` with the mutant in place of the algorithm it was made from. */
export function mutated(kernel: AnyKernel, mutant: Mutant): AnyKernel {
  const algorithm = kernel.algorithms[mutant.algorithm]!
  return {
    ...kernel,
    algorithms: { ...kernel.algorithms, [mutant.algorithm]: { ...algorithm, source: mutant.source } },
  }
}

/** The cases that compile the line which `mutant` changes: those with small tiles first, which compile fastest, then those with small blocks, the large ones last. */
export function casesFor(kernel: AnyKernel, mutant: Mutant, limits: Limits): AnyKernel["cases"] {
  const original = kernel.algorithms[mutant.algorithm]!
  const rank = ({ large, tuning }: AnyKernel["cases"][number]) => (large ? 3 : tuning?.SIDE ? 2 : tuning ? 0 : 1)
  return kernel.cases
    .filter((one) => {
      const problem = problemOf(kernel, one)
      if (makePlan(kernel, problem, limits, one).algorithm !== mutant.algorithm) return false
      const config = original.config?.(problem) ?? {}
      const [before, after] = [original.source.code, mutant.source.code].map((text) => preprocess("", text, config))
      return before !== after
    })
    .sort((a, b) => rank(a) - rank(b))
}

export const isListed = (kernel: AnyKernel, { name }: Mutant) => Object.hasOwn(survivors[kernel.name] ?? {}, name)

/** Mutants of `kernel` that any case compiles, and those of them that are listed, by name: some lines are in two algorithms, and are counted once. */
export function mutantCounts(kernel: AnyKernel, limits: Limits): { tried: number; survived: number } {
  const tried = mutantsOf(kernel).filter((mutant) => casesFor(kernel, mutant, limits).length > 0)
  const names = (mutants: readonly Mutant[]) => new Set(mutants.map(({ name }) => name)).size
  return { tried: names(tried), survived: names(tried.filter((mutant) => isListed(kernel, mutant))) }
}
