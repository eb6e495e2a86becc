import { fileURLToPath } from "node:url"
import { ortWebAssets } from "../../engine/backends/ort-web.ts"
import { DEMO_MODEL, DUCKDB_FOLDER, RUNTIME_FOLDER } from "../packaged.ts"

/** Files that are loaded by URL, to be copied into the built extension as they are: parts of ONNX Runtime and DuckDB, and the demo's model. */
export function runtimeAssets(): { absoluteSrc: string; relativeDest: string }[] {
  const copy = (file: string, relativeDest: string) => ({
    absoluteSrc: fileURLToPath(new URL(`../../${file}`, import.meta.url)),
    relativeDest,
  })
  return [
    ...ortWebAssets.webgpu.map((file) =>
      copy(`node_modules/onnxruntime-web/dist/${file}`, `${RUNTIME_FOLDER}/${file}`),
    ),
    ...["duckdb-eh.wasm", "duckdb-browser-eh.worker.js"].map((file) =>
      copy(`node_modules/@duckdb/duckdb-wasm/dist/${file}`, `${DUCKDB_FOLDER}/${file}`),
    ),
    copy("models/digits/digits.onnx", DEMO_MODEL),
  ]
}
