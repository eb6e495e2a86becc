import { join } from "node:path"
import { build } from "esbuild"
import { expect, test } from "vitest"
import { browserBackends } from "../../engine/backends/index.ts"
import { nodeBackends } from "../../engine/backends/node.ts"

const root = join(import.meta.dirname, "../..")

test("the worker's bundle has nothing of Node in it", async () => {
  const { metafile } = await build({
    entryPoints: [join(root, "engine/worker/worker.ts")],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    conditions: ["onnxruntime-web-use-extern-wasm"],
    logLevel: "silent",
    absWorkingDir: root,
  })
  const inputs = Object.keys(metafile.inputs)
  expect(inputs.filter((path) => /onnxruntime-node|backends\/(node|native)\.ts/.test(path))).toEqual([])
  expect(inputs.some((path) => path.includes("ort.webgpu.min.mjs"))).toBe(true)
  // The build with its own WebAssembly glue inside starts its threads from this very bundle, which would not work.
  expect(inputs.filter((path) => path.includes(".bundle.min.mjs"))).toEqual([])
})

test("naming the backends loads no runtime", () => {
  const names = [...browserBackends, ...nodeBackends].map((b) => `${b.platform} ${b.name}`)
  expect(names).toEqual([
    "browser webgpu",
    "browser wgsl",
    "browser webnn",
    "browser wasm",
    "node native-cpu",
    "node native-webgpu",
    "node native-cuda",
    "node native-tensorrt",
    "node native-dml",
    "node native-coreml",
  ])
})
