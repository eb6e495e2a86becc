/** `npm run generate [-- --check]`: every generated file; with --check nothing is written and a file that is out of date fails. */
import { spawnSync } from "node:child_process"
import path from "node:path"
import { repoRoot } from "./sources.ts"

const generators = [
  "generate-onnx.ts",
  "generate-wgsl.ts",
  "generate-docs.ts",
  "generate-kernels.ts",
  "generate-benchmarks.ts",
]
const failed = generators.filter(
  (generator) =>
    spawnSync(process.execPath, [path.join(repoRoot, "scripts", generator), ...process.argv.slice(2)], {
      cwd: repoRoot,
      stdio: "inherit",
    }).status !== 0,
)
process.exit(failed.length === 0 ? 0 : 1)
