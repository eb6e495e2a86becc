import { globSync, readFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { join } from "node:path"
import { build } from "esbuild"

interface Manifest {
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
  bin: Record<string, string>
}

export const manifest = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))

/** Names of the packages that the scripts below a folder import, at once or later: they have to be installed with it. Node's own are left out. */
export async function packagesImported(folder: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: folder,
    entryPoints: globSync("**/*.js", { cwd: folder }),
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    outdir: "out",
    write: false,
    metafile: true,
    logLevel: "silent",
  })
  const imported = Object.values(metafile.outputs)
    .flatMap(({ imports }) => imports)
    .filter(({ path, external }) => external && !isBuiltin(path))
    .map(({ path }) => /^(@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? path)
  return [...new Set(imported)].sort()
}
