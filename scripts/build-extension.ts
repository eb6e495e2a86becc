/** Builds the extension when a file it is made from changed: `node scripts/build-extension.ts [target …]`, target = browser-mvN. */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { locked } from "./build-lock.ts"
import { bundleSizes } from "./bundle-sizes.ts"
import { repoRoot } from "./sources.ts"

export const targets = ["chrome-mv3", "edge-mv3", "firefox-mv2", "safari-mv2"] as const
export type Target = (typeof targets)[number]

const inputs = [
  "{protocol,graph,scheduler,kernels,engine,extension,sdk,models}/**/*",
  "{wxt.config.ts,package.json,package-lock.json,scripts/bundle-sizes.ts,scripts/sources.ts}",
]

/** Every file that the build reads, of packages the lockfile alone: paths in the repository, which is at `root`. */
export function buildInputs(root = repoRoot): string[] {
  return globSync(inputs, { cwd: root, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.split(path.sep).includes("dist"))
    .sort()
}

const readInput = (file: string) => readFileSync(path.join(repoRoot, file))

/** What a build is kept by: the same for the same inputs. */
export function digest(read: (file: string) => Uint8Array = readInput): string {
  const hash = createHash("sha256")
  for (const file of buildInputs()) hash.update(`${file}\0`).update(read(file))
  return hash.digest("hex")
}

/** The folder of the built extension, built now unless it is up to date. Throws where the build fails. */
export function ensureExtension(target: Target = "chrome-mv3"): Promise<string> {
  return locked(path.join(repoRoot, ".output", `${target}.lock`), () => build(target))
}

function build(target: Target): string {
  const out = path.join(repoRoot, ".output", target)
  const stamp = path.join(repoRoot, ".output", `${target}.stamp`)
  const wanted = digest()
  if (existsSync(path.join(out, "manifest.json")) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted)
    return out
  const [browser, mv] = target.split("-mv") as [string, string]
  process.stderr.write(`Building the extension (${target}) …\n`)
  const started = Date.now()
  const wxt = path.join(repoRoot, "node_modules", "wxt", "bin", "wxt.mjs")
  const { status, stdout, stderr } = spawnSync(process.execPath, [wxt, "build", "-b", browser, `--mv${mv}`], {
    cwd: repoRoot,
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
  })
  if (status !== 0) throw new Error(`The extension could not be built:\n${stdout}${stderr}`)
  mkdirSync(path.dirname(stamp), { recursive: true })
  writeFileSync(stamp, wanted)
  process.stderr.write(`Built ${path.relative(repoRoot, out)} in ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
  for (const { title, bytes } of bundleSizes(out))
    process.stderr.write(`  ${title}: ${(bytes / 1000).toFixed(1)} kB gzipped\n`)
  return out
}

if (import.meta.main)
  for (const target of process.argv.length > 2 ? (process.argv.slice(2) as Target[]) : [targets[0]])
    await ensureExtension(target)
