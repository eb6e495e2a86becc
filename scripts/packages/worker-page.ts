/** Builds the worker page into `bridge-server/worker-page/dist` when a file it is made from changed. */
import { createHash } from "node:crypto"
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { type BuildOptions, build, type Metafile } from "esbuild"
import { ortWebAssets } from "../../engine/backends/ort-web.ts"
import { repoRoot } from "../sources.ts"
import { writeNotices } from "./notices.ts"

const inputs = [
  "{protocol,graph,scheduler,kernels,engine}/**/*.{ts,wgsl,js}",
  "bridge-server/worker-page/*",
  "scripts/packages/{worker-page,notices}.ts",
  "package.json",
  "package-lock.json",
]
const source = path.join(repoRoot, "bridge-server", "worker-page")
const out = path.join(source, "dist")

function digest(): string {
  const hash = createHash("sha256")
  const files = globSync(inputs, { cwd: repoRoot, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(repoRoot, path.join(entry.parentPath, entry.name)))
    .sort()
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(path.join(repoRoot, file)))
  return hash.digest("hex")
}

/** The folder of the built page, built now unless it is up to date. */
export async function ensureWorkerPage(): Promise<string> {
  const stamp = path.join(out, "stamp")
  const wanted = digest()
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return out
  // Complete before it is in its place: a bridge-server may be serving the earlier one.
  const fresh = `${out}.${process.pid}`
  rmSync(fresh, { recursive: true, force: true })
  await buildInto(fresh)
  writeFileSync(path.join(fresh, "stamp"), wanted)
  rmSync(out, { recursive: true, force: true })
  renameSync(fresh, out)
  return out
}

async function buildInto(folder: string): Promise<void> {
  const runtime = copyRuntime(folder)
  const common: BuildOptions & { metafile: true } = {
    absWorkingDir: repoRoot,
    outdir: folder,
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
  const workers = await build({
    ...common,
    entryPoints: {
      worker: "engine/worker/worker.ts",
      // The same under another name, which the bridge-server serves with a policy of its own.
      "webnn-worker": "engine/worker/worker.ts",
      clock: "engine/agent/clock-worker.ts",
    },
  })
  const { version } = JSON.parse(readFileSync(path.join(repoRoot, "package.json"), "utf8")) as { version: string }
  const page = await build({
    ...common,
    entryPoints: { main: "bridge-server/worker-page/main.tsx", style: "bridge-server/worker-page/style.css" },
    define: {
      IPFA_FILES: JSON.stringify({
        worker: built(workers.metafile, "worker"),
        webnnWorker: built(workers.metafile, "webnn-worker"),
        clock: built(workers.metafile, "clock"),
        runtime,
        version,
      }),
    },
  })
  const shell = readFileSync(path.join(source, "index.html"), "utf8")
    .replace("{style}", built(page.metafile, "style"))
    .replace("{script}", built(page.metafile, "main"))
  writeFileSync(path.join(folder, "index.html"), shell)
  writeNotices(path.join(folder, "THIRD-PARTY.txt"), [workers.metafile, page.metafile])
}

/** Where the page finds the file that was built from the entry `name`. */
function built({ outputs }: Metafile, name: string): string {
  const file = Object.keys(outputs).find((output) => path.basename(output).startsWith(`${name}-`))
  if (!file) throw new Error(`The build made nothing of ${name}`)
  return `/worker/${path.basename(file)}`
}

/** ONNX Runtime's files keep their names, which its glue knows; the folder's name changes with them. */
function copyRuntime(folder: string): string {
  const dist = path.join(repoRoot, "node_modules", "onnxruntime-web", "dist")
  const hash = createHash("sha256")
  for (const file of ortWebAssets.webgpu) hash.update(readFileSync(path.join(dist, file)))
  const name = `ort-${hash.digest("hex").slice(0, 8)}`
  mkdirSync(path.join(folder, name), { recursive: true })
  for (const file of ortWebAssets.webgpu) copyFileSync(path.join(dist, file), path.join(folder, name, file))
  return `/worker/${name}/`
}

if (import.meta.main) await ensureWorkerPage()
