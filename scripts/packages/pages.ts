/** Builds the bridge-server's pages into `bridge-server/NAME/dist`, each when a file it is made from changed. */
import { createHash } from "node:crypto"
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { type BuildOptions, build, type Metafile } from "esbuild"
import { ortWebAssets } from "../../engine/backends/ort-web.ts"
import { repoRoot } from "../sources.ts"
import { writeNotices } from "./notices.ts"

interface PageSource {
  /** Its folder below `bridge-server/`, with `index.html`, `main.tsx` and `style.css`. */
  folder: string
  /** Where it is served. */
  at: string
  /** What else it is made from. */
  inputs: readonly string[]
  /** Builds what the page loads later on, and says what its scripts are to know of that. */
  more?(
    common: BuildOptions & { metafile: true },
    out: string,
  ): Promise<{ define: Record<string, string>; metafiles: Metafile[] }>
}

const workerPage: PageSource = {
  folder: "worker-page",
  at: "/worker",
  inputs: ["{protocol,graph,scheduler,kernels,engine}/**/*.{ts,tsx,wgsl,js}", "engine/agent/*.json"],
  async more(common, out) {
    const { metafile } = await build({
      ...common,
      entryPoints: {
        worker: "engine/worker/worker.ts",
        // The same under another name, which the bridge-server serves with a policy of its own.
        "webnn-worker": "engine/worker/worker.ts",
        clock: "engine/agent/clock-worker.ts",
      },
    })
    const { version } = JSON.parse(readFileSync(path.join(repoRoot, "package.json"), "utf8")) as { version: string }
    const IPFA_FILES = JSON.stringify({
      worker: `/worker/${built(metafile, "worker")}`,
      webnnWorker: `/worker/${built(metafile, "webnn-worker")}`,
      clock: `/worker/${built(metafile, "clock")}`,
      runtime: `/worker/${copyRuntime(out)}/`,
      version,
    })
    return { define: { IPFA_FILES }, metafiles: [metafile] }
  },
}

const dashboard: PageSource = {
  folder: "dashboard",
  at: "/dashboard",
  inputs: ["protocol/**/*.ts", "engine/agent/*.{ts,tsx,json}", "bridge-server/worker-page/style.css"],
}

/** The folder of the built worker page, built now unless it is up to date. */
export const ensureWorkerPage = (): Promise<string> => ensure(workerPage)
/** The same of the dashboard. */
export const ensureDashboard = (): Promise<string> => ensure(dashboard)

async function ensure(page: PageSource): Promise<string> {
  const out = path.join(repoRoot, "bridge-server", page.folder, "dist")
  const stamp = path.join(out, "stamp")
  const wanted = digest(page)
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return out
  // Complete before it is in its place: a bridge-server may be serving the earlier one.
  const fresh = `${out}.${process.pid}`
  rmSync(fresh, { recursive: true, force: true })
  await buildInto(fresh, page)
  writeFileSync(path.join(fresh, "stamp"), wanted)
  rmSync(out, { recursive: true, force: true })
  renameSync(fresh, out)
  return out
}

function digest({ folder, inputs }: PageSource): string {
  const hash = createHash("sha256")
  const all = [
    ...inputs,
    `bridge-server/${folder}/*`,
    "bridge-server/page-parts/**/*.{ts,tsx,json}",
    "scripts/packages/{pages,notices}.ts",
    "package.json",
    "package-lock.json",
  ]
  const files = globSync(all, { cwd: repoRoot, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(repoRoot, path.join(entry.parentPath, entry.name)))
    .sort()
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(path.join(repoRoot, file)))
  return hash.digest("hex")
}

async function buildInto(out: string, { folder, at, more }: PageSource): Promise<void> {
  const source = path.join("bridge-server", folder)
  const common: BuildOptions & { metafile: true } = {
    absWorkingDir: repoRoot,
    outdir: out,
    entryNames: "[name]-[hash]",
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    // ONNX Runtime's glue stays a file of its own beside the .wasm: its threads are started from it.
    conditions: ["onnxruntime-web-use-extern-wasm"],
    jsx: "automatic",
    jsxImportSource: "preact",
    loader: { ".wgsl": "text" },
    minify: true,
    metafile: true,
    legalComments: "none",
    logLevel: "warning",
  }
  const { define = {}, metafiles = [] } = (await more?.(common, out)) ?? {}
  const { metafile } = await build({
    ...common,
    entryPoints: { main: `${source}/main.tsx`, style: `${source}/style.css` },
    define,
  })
  const shell = readFileSync(path.join(repoRoot, source, "index.html"), "utf8")
    .replace("{style}", `${at}/${built(metafile, "style")}`)
    .replace("{script}", `${at}/${built(metafile, "main")}`)
  writeFileSync(path.join(out, "index.html"), shell)
  writeNotices(path.join(out, "THIRD-PARTY.txt"), [...metafiles, metafile])
}

/** The file that was built from the entry `name`. */
function built({ outputs }: Metafile, name: string): string {
  const file = Object.keys(outputs).find((output) => path.basename(output).startsWith(`${name}-`))
  if (!file) throw new Error(`The build made nothing of ${name}`)
  return path.basename(file)
}

/** ONNX Runtime's files keep their names, which its glue knows; the folder's name, which is returned, changes with them. */
function copyRuntime(out: string): string {
  const dist = path.join(repoRoot, "node_modules", "onnxruntime-web", "dist")
  const hash = createHash("sha256")
  for (const file of ortWebAssets.webgpu) hash.update(readFileSync(path.join(dist, file)))
  const name = `ort-${hash.digest("hex").slice(0, 8)}`
  mkdirSync(path.join(out, name), { recursive: true })
  for (const file of ortWebAssets.webgpu) copyFileSync(path.join(dist, file), path.join(out, name, file))
  return name
}

if (import.meta.main) {
  await ensureWorkerPage()
  await ensureDashboard()
}
