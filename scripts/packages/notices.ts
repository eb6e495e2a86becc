import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import type { Metafile } from "esbuild"
import { repoRoot } from "../sources.ts"

/** Writes the licences of the packages whose code is in these bundles. Throws where one has none. */
export function writeNotices(file: string, metafiles: readonly Metafile[]): void {
  const inputs = metafiles.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap((output) => Object.keys(output.inputs)),
  )
  const packages = new Set(inputs.map((input) => /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[0]))
  packages.delete(undefined)
  const notices = [...(packages as Set<string>)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(path.join(repoRoot, folder, "package.json"), "utf8"))
    const [licence] = globSync("LICEN[CS]E*", { cwd: path.join(repoRoot, folder) })
    if (!licence && !license) throw new Error(`${name} states no licence`)
    const text = licence ? readFileSync(path.join(repoRoot, folder, licence), "utf8").trim() : standard(license)
    return `${name} ${version} (${license})\n\n${text}`
  })
  writeFileSync(file, `This package contains code of the following.\n\n${notices.join(`\n\n${"-".repeat(80)}\n\n`)}\n`)
}

/** The repository's own licence is Apache-2.0, and its text serves for others'. */
function standard(license: string): string {
  const own = path.join(repoRoot, "LICENSE")
  if (license.includes("Apache-2.0") && existsSync(own)) return readFileSync(own, "utf8").trim()
  return `Licensed under ${license}.`
}
