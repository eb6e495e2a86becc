import { existsSync } from "node:fs"
import { resolve } from "node:path"

/** The folder with real models and inputs, which are not part of the repository. */
export const sharedDir: string = resolve(import.meta.dirname, "../..", process.env.IPFA_SHARED ?? "../shared")

/** A file or folder below `models/` of the shared folder: its path, or why a test that needs it is skipped. */
export function sharedModel(name: string): { path: string; skip?: undefined } | { path?: undefined; skip: string } {
  const path = resolve(sharedDir, "models", name)
  return existsSync(path) ? { path } : { skip: `models/${name} is not in the shared folder (IPFA_SHARED)` }
}
