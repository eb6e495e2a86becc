import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"

const specifier = /((?:from|import)\s*\(?\s*["'])([^"']+)(["'])/g

/**
 * Makes a folder of `.d.ts` files fit for others: relative imports name `.js`, as every resolver understands it, those of `vendored` packages
 * the file that stands for them, and files that no entry reaches are removed. Throws where an entry reaches a package that is not installed with it.
 */
export function keepReachable(root: string, entries: readonly string[], vendored: Record<string, string>): void {
  const reached = new Set<string>()
  const visit = (file: string) => {
    if (reached.has(file)) return
    reached.add(file)
    const here = path.posix.dirname(file)
    const text = readFileSync(path.join(root, file), "utf8").replace(specifier, (whole, head, name: string, tail) => {
      const stand = vendored[name]
      if (!name.startsWith(".") && !stand) {
        if (name === "react" || name === "ws" || name.startsWith("node:")) return whole
        throw new Error(`${file} needs ${name}, which does not come with the package`)
      }
      const target = stand ?? path.posix.join(here, name).replace(/\.ts$/, ".js")
      visit(target.replace(/\.js$/, ".d.ts"))
      const relative = path.posix.relative(here, target)
      return `${head}${relative.startsWith(".") ? relative : `./${relative}`}${tail}`
    })
    writeFileSync(path.join(root, file), text)
  }
  for (const entry of entries) visit(entry)
  for (const file of globSync("**/*.ts", { cwd: root })) {
    if (!reached.has(file.split(path.sep).join("/"))) rmSync(path.join(root, file))
  }
}
