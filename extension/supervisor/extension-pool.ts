import { browserBackendNames } from "../../engine/backends/names.ts"
import { createPool, type Pool, type PoolOptions } from "../../engine/index.ts"
import { type BrowserLibraryOptions, browserLibrary } from "../../engine/store/browser.ts"
import type { ModelLibrary } from "../../engine/store/library.ts"
import { webWorkerHost } from "../../engine/worker/web-worker-factory.ts"
import workerUrl from "../../engine/worker/worker.ts?worker&url"
import { RUNTIME_FOLDER } from "../packaged.ts"
import { WindowModels } from "./window-models.ts"

/** The pool of this browser, and its models. */
export interface ExtensionPool {
  pool: Pool
  /** Those that are kept. */
  models: ModelLibrary
  windowModels: WindowModels
}

/** What the models of all private windows may take in memory. */
const PRIVATE_BYTES = 2 ** 30

/** Each backend in a worker of its own; models in the extension's storage. Nothing runs before it is asked for. */
export function extensionPool(
  options: Pick<
    PoolOptions,
    "agent" | "browser" | "version" | "onMeasurement" | "onJob" | "onBenchmark" | "measurements" | "mayTune"
  > &
    Required<Pick<BrowserLibraryOptions, "keepsFor" | "mayDownload">>,
): ExtensionPool {
  const { keepsFor, mayDownload } = options
  // With host permissions the browser leaves CORS to us.
  const common = { privileged: true, mayDownload }
  const models = browserLibrary({ ...common, keepsFor })
  const inMemory = () => browserLibrary({ ...common, storage: "memory", quotaBytes: PRIVATE_BYTES })
  const windowModels = new WindowModels(models, inMemory)
  const assetsUrl = new URL(`/${RUNTIME_FOLDER}/`, location.href)
  const hosts = browserBackendNames.map((backend) => webWorkerHost({ backend, workerUrl, assetsUrl }))
  return { pool: createPool({ ...options, hosts, models: windowModels }), models, windowModels }
}
