/** Builds the two npm packages, `sdk/dist` and `bridge-server/dist`, when a file they are made from changed. Run by `npm run build`, or alone. */
import { createHash } from "node:crypto"
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { buildBridge } from "./packages/bridge.ts"
import { buildSdk } from "./packages/sdk.ts"
import { repoRoot } from "./sources.ts"

const packages = {
  sdk: { inputs: "{protocol,graph,scheduler,kernels,engine,sdk}/**/*", build: buildSdk },
  "bridge-server": {
    inputs: "{protocol,graph,scheduler,kernels,engine,native-host,bridge-server,models}/**/*",
    build: buildBridge,
  },
} as const
export type PackageFolder = keyof typeof packages

/** A digest of everything the build reads: sources by content, dependencies by the lockfile. */
function digest(inputs: string): string {
  const hash = createHash("sha256")
  const files = globSync([inputs, "scripts/packages/*.ts", "package-lock.json", "tsconfig.json"], {
    cwd: repoRoot,
    withFileTypes: true,
    exclude: (entry) =>
      ["node_modules", "dist"].includes(entry.name) || entry.parentPath.endsWith("bridge-server/models"),
  })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(repoRoot, path.join(entry.parentPath, entry.name)))
    .sort()
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(path.join(repoRoot, file)))
  return hash.digest("hex")
}

/** Builds one package unless it is up to date. Throws where that fails. */
export async function ensurePackage(folder: PackageFolder): Promise<void> {
  const { inputs, build } = packages[folder]
  const out = path.join(repoRoot, folder, "dist")
  // Beside the output, not in it: it is no part of the package.
  const stamp = path.join(repoRoot, ".cache", `package-${folder}`)
  const wanted = digest(inputs)
  if (existsSync(out) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return
  rmSync(stamp, { force: true })
  rmSync(out, { recursive: true, force: true })
  const started = Date.now()
  await build(out)
  copyFileSync(path.join(repoRoot, "LICENSE"), path.join(out, "LICENSE"))
  mkdirSync(path.dirname(stamp), { recursive: true })
  writeFileSync(stamp, wanted)
  process.stderr.write(`Built ${folder}/dist in ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
}

if (import.meta.main) for (const folder of Object.keys(packages) as PackageFolder[]) await ensurePackage(folder)
