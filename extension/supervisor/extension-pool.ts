import { browserBackendNames } from "../../engine/backends/names.ts"
import { createPool, type Pool, type PoolOptions } from "../../engine/index.ts"
import { type BrowserLibraryOptions, browserLibrary } from "../../engine/store/browser.ts"
import type { ModelLibrary } from "../../engine/store/library.ts"
import { webWorkerHost } from "../../engine/worker/web-worker-factory.ts"
import workerUrl from "../../engine/worker/worker.ts?worker&url"
import { RUNTIME_FOLDER } from "../packaged.ts"

/** The pool of this browser, and what the gate asks its store. */
export interface ExtensionPool {
  pool: Pool
  models: ModelLibrary
  /** Whether `origin` uploaded the model with that SHA-256. */
  uploaded(origin: string, sha256: string): Promise<boolean>
}

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
  const models = browserLibrary({ privileged: true, keepsFor, mayDownload })
  const assetsUrl = new URL(`/${RUNTIME_FOLDER}/`, location.href)
  const hosts = browserBackendNames.map((backend) => webWorkerHost({ backend, workerUrl, assetsUrl }))
  return {
    pool: createPool({ ...options, hosts, models }),
    models,
    async uploaded(origin, sha256) {
      const { models: stored } = await models.list()
      return stored.some((model) => model.sha256 === sha256 && model.owners.includes(origin))
    },
  }
}
