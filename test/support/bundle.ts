import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { build } from "esbuild"

export interface Bundled {
  readonly dir: string
  remove(): Promise<void>
}

/** Bundles browser entries (`{ page: "test/…/page.ts" }` becomes `page.js`) into a fresh folder with an `index.html` that loads `page.js`. */
export async function bundle(entries: Record<string, string>): Promise<Bundled> {
  const dir = await mkdtemp(join(tmpdir(), "ipfa bundle "))
  await build({
    entryPoints: entries,
    outdir: dir,
    bundle: true,
    format: "esm",
    target: "es2022",
    sourcemap: "inline",
    loader: { ".wgsl": "text" },
    // ONNX Runtime's glue stays a file of its own beside the .wasm: its threads are started from it.
    conditions: ["onnxruntime-web-use-extern-wasm", "browser"],
    logLevel: "error",
  })
  await writeFile(
    join(dir, "index.html"),
    '<!doctype html><meta charset="utf-8"><title>test</title><script type="module" src="page.js"></script>',
  )
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
}
