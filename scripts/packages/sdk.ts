import { spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { build, type Metafile } from "esbuild"
import { repoRoot } from "../sources.ts"
import { keepReachable } from "./declarations.ts"
import { writeNotices } from "./notices.ts"

const entries = ["index", "index-node", "react", "hardware", "kernels"]

/** `ipfs-accelerate`: JavaScript without dependencies, and the types of what it exports. */
export async function buildSdk(out: string): Promise<void> {
  const common = {
    absWorkingDir: repoRoot,
    outdir: out,
    bundle: true,
    format: "esm",
    target: "es2022",
    metafile: true,
    legalComments: "none",
    loader: { ".wgsl": "text" },
    logLevel: "warning",
  } as const
  const [library, worker] = await Promise.all([
    // One build for all, so that they share their classes. What only Node has is reached from index-node alone.
    build({
      ...common,
      entryPoints: entries.map((name) => `sdk/${name}.ts`),
      splitting: true,
      chunkNames: "chunks/[name]-[hash]",
      platform: "neutral",
      mainFields: ["module", "main"],
      external: ["node:*", "ws", "react"],
    }),
    // Runs as it is, without a bundler. ONNX Runtime's glue stays a file of its own beside the .wasm: its threads are started from it.
    build({
      ...common,
      entryPoints: { worker: "engine/worker/worker.ts" },
      platform: "browser",
      conditions: ["onnxruntime-web-use-extern-wasm"],
      minify: true,
    }),
  ])
  writeNotices(path.join(out, "THIRD-PARTY.txt"), [library.metafile, worker.metafile] as Metafile[])
  declarations(out)
}

/** `.d.ts` files of the entries and what they reach, with valibot's among them: the package needs nothing else to be installed. */
function declarations(out: string): void {
  const types = path.join(out, "types")
  const config = path.join(repoRoot, ".cache", "tsconfig.sdk-types.json")
  mkdirSync(path.dirname(config), { recursive: true })
  writeFileSync(
    config,
    JSON.stringify({
      extends: "../tsconfig.json",
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        rootDir: "..",
        outDir: types,
        types: ["@webgpu/types", "node"],
      },
      include: [],
      files: entries.map((name) => `../sdk/${name}.ts`),
    }),
  )
  const tsc = path.join(repoRoot, "node_modules", "typescript", "bin", "tsc")
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", config], { cwd: repoRoot, encoding: "utf8" })
  if (status !== 0) throw new Error(`The SDK's types could not be made:\n${stdout}`)
  mkdirSync(path.join(types, "vendor"), { recursive: true })
  copyFileSync(path.join(repoRoot, "node_modules/valibot/dist/index.d.mts"), path.join(types, "vendor", "valibot.d.ts"))
  keepReachable(
    types,
    entries.map((name) => `sdk/${name}.d.ts`),
    { valibot: "vendor/valibot.js" },
  )
}
