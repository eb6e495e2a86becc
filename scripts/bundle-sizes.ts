/** What pages and people wait for stays small: `node scripts/bundle-sizes.ts [target …]` prints gzipped sizes and fails over budget. wxt.config.ts calls it after each build. */
import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { gzipSync } from "node:zlib"
import { repoRoot } from "./sources.ts"

/** Bytes, gzipped. An HTML page counts with every script and style sheet it loads at once. */
const budgets: { title: string; file: string; bytes: number }[] = [
  { title: "stub, in every page", file: "content-scripts/stub.js", bytes: 1000 },
  { title: "content script", file: "content-scripts/link.js", bytes: 10_000 },
  { title: "page script, on first use", file: "page.js", bytes: 8000 },
  { title: "popup", file: "popup.html", bytes: 60_000 },
]

export interface BundleSize {
  title: string
  bytes: number
  budget: number
}

export function bundleSizes(outDir: string): BundleSize[] {
  return budgets.map(({ title, file, bytes: budget }) => {
    const files = file.endsWith(".html") ? loadedBy(outDir, file) : [file]
    const bytes = files.reduce(
      (sum, name) => sum + gzipSync(readFileSync(path.join(outDir, name)), { level: 9 }).length,
      0,
    )
    return { title, bytes, budget }
  })
}

/** Prints the sizes; throws where one is over its budget. */
export function enforceBundleSizes(outDir: string): void {
  const sizes = bundleSizes(outDir)
  for (const { title, bytes, budget } of sizes)
    console.log(`${bytes > budget ? "OVER  " : "      "}${title.padEnd(28)}${kilobytes(bytes)} of ${kilobytes(budget)}`)
  const over = sizes.filter(({ bytes, budget }) => bytes > budget)
  if (over.length > 0) throw new Error(`Over budget: ${over.map(({ title }) => title).join(", ")}`)
}

const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`

/** `page` and all that it loads before it shows: what its tags name, and what those scripts import. */
function loadedBy(outDir: string, page: string): string[] {
  const found = new Set<string>()
  const add = (from: string, reference: string) => {
    const file = path.posix.normalize(
      reference.startsWith("/") ? reference.slice(1) : path.posix.join(path.posix.dirname(from), reference),
    )
    if (found.has(file) || !existsSync(path.join(outDir, file))) return
    found.add(file)
    const text = readFileSync(path.join(outDir, file), "utf8")
    const references = file.endsWith(".html")
      ? text.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)
      : file.endsWith(".js")
        ? text.matchAll(/(?:\bfrom|\bimport)\s*"(\.[^"]+\.js)"/g)
        : []
    for (const [, next] of references) add(file, next as string)
  }
  add("", page)
  return [...found]
}

if (import.meta.main)
  for (const target of process.argv.length > 2 ? process.argv.slice(2) : ["chrome-mv3"])
    enforceBundleSizes(path.join(repoRoot, ".output", target))
