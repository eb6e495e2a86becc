/**
 * Writes graph/generated/ from graph/onnx.proto with Buf and protoc-gen-es, both from node_modules; needs no network.
 * `--check` writes nothing and fails when the committed files differ.
 *
 * JavaScript with declarations, not TypeScript: the TypeScript output uses enums, which Node's type stripping does not run.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const committed = join(root, "graph/generated")
const check = process.argv.includes("--check")
const out = check ? mkdtempSync(join(tmpdir(), "onnx-")) : committed

const bin = (name: string) => join(root, "node_modules/.bin", name)
const template = {
  version: "v2",
  plugins: [{ local: bin("protoc-gen-es"), out, opt: ["target=js+dts", "import_extension=js"] }],
}
const args = ["generate", "graph", "--path", "graph/onnx.proto", "--template", JSON.stringify(template)]
execFileSync(bin("buf"), args, { cwd: root, stdio: "inherit" })

if (check) {
  const differs = readdirSync(out).filter((name) => {
    try {
      return readFileSync(join(out, name), "utf8") !== readFileSync(join(committed, name), "utf8")
    } catch {
      return true
    }
  })
  rmSync(out, { recursive: true })
  if (differs.length > 0) {
    console.error(`graph/generated is out of date (${differs.join(", ")}): run node scripts/generate-onnx.ts`)
    process.exit(1)
  }
}
