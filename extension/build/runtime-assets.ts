import { fileURLToPath } from "node:url"
import { ortWebAssets } from "../../engine/backends/ort-web.ts"
import { RUNTIME_FOLDER } from "../runtime-folder.ts"

/** The parts of ONNX Runtime that the workers load by URL, to be copied into the built extension. */
export function runtimeAssets(): { absoluteSrc: string; relativeDest: string }[] {
  return ortWebAssets.webgpu.map((file) => ({
    absoluteSrc: fileURLToPath(new URL(`../../node_modules/onnxruntime-web/dist/${file}`, import.meta.url)),
    relativeDest: `${RUNTIME_FOLDER}/${file}`,
  }))
}
