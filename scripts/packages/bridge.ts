import { chmodSync, copyFileSync, cpSync, globSync, mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { build } from "esbuild"
import { repoRoot } from "../sources.ts"
import { ensureDashboard, ensureWorkerPage } from "./pages.ts"

/** `ipfs-accelerate-bridge`: the command line, the entry of its native children and the native host of browsers; what npm installs with it stays outside. */
export async function buildBridge(out: string): Promise<void> {
  await build({
    absWorkingDir: repoRoot,
    entryPoints: {
      main: "bridge-server/cli/main.ts",
      child: "bridge-server/native/child.ts",
      "native-host": "native-host/main.ts",
    },
    outdir: out,
    bundle: true,
    splitting: true,
    chunkNames: "chunk-[hash]",
    format: "esm",
    platform: "node",
    target: "node22.13",
    packages: "external",
    legalComments: "none",
    logLevel: "warning",
  })
  cpSync(await ensureWorkerPage(), path.join(out, "worker"), { recursive: true })
  cpSync(await ensureDashboard(), path.join(out, "dashboard"), { recursive: true })
  chmodSync(path.join(out, "main.js"), 0o755)
  // The model that ships, where the bundle looks for it. A copy, so git is told to ignore it and npm not to.
  const models = path.join(path.dirname(out), "models")
  mkdirSync(path.join(models, "digits"), { recursive: true })
  writeFileSync(path.join(models, ".gitignore"), "*\n")
  writeFileSync(path.join(models, ".npmignore"), "\n")
  const shipped = path.join(repoRoot, "models", "digits")
  for (const file of globSync("*.{onnx,json}", { cwd: shipped }))
    copyFileSync(path.join(shipped, file), path.join(models, "digits", file))
}
