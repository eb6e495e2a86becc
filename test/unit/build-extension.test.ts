import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { expect, test } from "vitest"
import { runtimeAssets } from "../../extension/build/runtime-assets.ts"
import { buildInputs, digest, ensureExtension } from "../../scripts/build-extension.ts"
import { relativeImports } from "../../scripts/imports.ts"
import { listSources, repoRoot } from "../../scripts/sources.ts"

test("every file that the extension is built from, models too, has it built again when it changes", () => {
  const needed = new Set(["wxt.config.ts", ...listSources([".ts", ".tsx"]).filter((file) => /^extension\//.test(file))])
  for (const file of needed)
    if (/\.tsx?$/.test(file))
      for (const { to } of relativeImports(file, readFileSync(path.join(repoRoot, file), "utf8"))) needed.add(to)
  for (const { absoluteSrc } of runtimeAssets()) needed.add(path.relative(repoRoot, absoluteSrc))
  expect([...needed]).toEqual(expect.arrayContaining(["models/digits/digits.onnx", "models/digits/samples.json"]))
  const inputs = new Set(buildInputs())
  const missed = [...needed].filter((file) => !file.startsWith("node_modules/") && !inputs.has(file))
  expect(missed).toEqual([])
})

test("a checkout below a folder called distributed-ai has the same inputs: what was built is left out by its folder's whole name", () => {
  const home = mkdtempSync(path.join(tmpdir(), "ipfa inputs "))
  const root = path.join(home, "distributed-ai", "dist", "checkout")
  for (const file of ["sdk/index.ts", "sdk/dist/index.js", "sdk/dist/types/index.d.ts", "kernels/distance/op.ts"]) {
    mkdirSync(path.join(root, path.dirname(file)), { recursive: true })
    writeFileSync(path.join(root, file), "")
  }
  const found = buildInputs(root)
  rmSync(home, { recursive: true })
  expect(found).toEqual(["kernels/distance/op.ts", "sdk/index.ts"])
})

test("the extension is not built again while nothing changed; a model that was trained again is a change", async () => {
  const dir = await ensureExtension()
  const built = () => statSync(path.join(dir, "manifest.json")).mtimeMs
  const first = built()
  expect(await ensureExtension()).toBe(dir)
  expect(built()).toBe(first)
  expect(readFileSync(`${dir}.stamp`, "utf8")).toBe(digest())
  const trained = (file: string) =>
    file === "models/digits/digits.onnx" ? new Uint8Array(1) : readFileSync(path.join(repoRoot, file))
  expect(digest(trained)).not.toBe(digest())
})
