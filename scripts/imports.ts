/** The one-way rule: which top-level folder may import which, and no cycles between files. Run alone or from `npm run check`. */
import { readFileSync } from "node:fs"
import path from "node:path"
import { listSources, repoRoot, reportAndExit } from "./sources.ts"

/** folder → folders it may import, besides itself. */
const allowed: Record<string, readonly string[]> = {
  protocol: [],
  graph: ["protocol"],
  scheduler: ["protocol"],
  kernels: ["protocol"],
  engine: ["protocol", "graph", "scheduler", "kernels"],
  "native-host": ["protocol"],
  sdk: ["protocol", "kernels"],
  extension: ["protocol", "graph", "scheduler", "kernels", "engine", "sdk", "models"],
  "bridge-server": ["protocol", "graph", "scheduler", "engine", "native-host"],
  models: [],
  // Those that drive the whole may use all of it.
  bench: ["*"],
  test: ["*"],
  scripts: ["*"],
  examples: ["sdk"],
}
/** Allowed only as `import("…")`: what must not be loaded before it is needed. */
const lazy: Record<string, readonly string[]> = { sdk: ["engine", "native-host"] }

interface Import {
  to: string
  dynamic: boolean
  typeOnly: boolean
}

/** Relative imports of a source text, resolved against `file` (repository paths). */
export function relativeImports(file: string, source: string): Import[] {
  const found: Import[] = []
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "")
  const add = (specifier: string, dynamic: boolean, typeOnly: boolean) => {
    if (specifier.startsWith("."))
      found.push({
        to: path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier.split("?")[0] as string)),
        dynamic,
        typeOnly,
      })
  }
  for (const m of code.matchAll(/\b(?:import|export)\s+(type\s+)?(?:[\w*\s{},$]+?\s+from\s+)?["']([^"']+)["']/g))
    add(m[2] as string, false, Boolean(m[1]))
  for (const m of code.matchAll(/\bimport\(\s*["']([^"']+)["']\s*\)/g)) add(m[1] as string, true, false)
  return found
}

/** Every break of the rule, one sentence each. */
export function importFaults(files: ReadonlyMap<string, string>): string[] {
  const faults: string[] = []
  const graph = new Map<string, string[]>()
  for (const [file, source] of files) {
    const from = file.split("/")[0] as string
    if (!file.includes("/")) continue
    const imports = relativeImports(file, source)
    graph.set(
      file,
      imports.filter((i) => !i.dynamic && !i.typeOnly).map((i) => i.to),
    )
    for (const { to, dynamic, typeOnly } of imports) {
      const folder = to.split("/")[0] as string
      if (folder === from || !to.includes("/") || to.startsWith("..")) continue
      const may = allowed[from]
      if (!may) faults.push(`${file}: folder ${from} has no import rule; add it to scripts/imports.ts`)
      else if (!may.includes("*") && !may.includes(folder) && !((dynamic || typeOnly) && lazy[from]?.includes(folder)))
        faults.push(
          `${file} imports ${to}: ${from} may import only ${[...may, ...(lazy[from] ?? []).map((f) => `${f} (lazily)`)].join(", ") || "nothing"}`,
        )
    }
  }
  return [...faults, ...cycles(graph).map((cycle) => `import cycle: ${cycle.join(" → ")}`)]
}

function cycles(graph: Map<string, string[]>): string[][] {
  const state = new Map<string, "open" | "done">()
  const found: string[][] = []
  const visit = (file: string, trail: string[]) => {
    if (state.get(file) === "done" || !graph.has(file)) return
    if (state.get(file) === "open") {
      found.push([...trail.slice(trail.indexOf(file)), file])
      return
    }
    state.set(file, "open")
    for (const to of graph.get(file) ?? []) visit(to, [...trail, file])
    state.set(file, "done")
  }
  for (const file of graph.keys()) visit(file, [])
  return found
}

if (import.meta.main) {
  const files = new Map(
    listSources([".ts", ".tsx"]).map((file) => [file, readFileSync(path.join(repoRoot, file), "utf8")]),
  )
  reportAndExit("imports", importFaults(files))
}
