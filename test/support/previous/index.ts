import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { gunzipSync } from "node:zlib"
import { files } from "../../../bridge-server/files.ts"
import { repoRoot } from "../../../scripts/sources.ts"
import about from "./about.json" with { type: "json" }
import * as parts from "./parts.ts"

/** One version. Those of the previous one are as they were; their types are this version's, which tests use within what both have. */
export type Parts = typeof parts & {
  /** The program that browsers start. */
  nativeHost: string
}

export const thisVersion: Parts = { ...parts, nativeHost: fileURLToPath(files.nativeHost) }

const folder = path.join(repoRoot, ".output", "previous")

/** What scripts/freeze-previous.ts made. It is unpacked where it finds the packages it imports, and what it reads beside itself. */
export async function previousVersion(): Promise<Parts> {
  const own = path.join(folder, about.commit)
  const [bundle, nativeHost] = ["bundle.mjs", "native-host.mjs"].map((name) => path.join(own, "dist", name)) as [
    string,
    string,
  ]
  if (!existsSync(bundle)) {
    mkdirSync(path.dirname(bundle), { recursive: true })
    write(path.join(own, "package.json"), JSON.stringify({ ...about, type: "module" }))
    cpSync(path.join(repoRoot, "models", "digits"), path.join(folder, "models", "digits"), { recursive: true })
    for (const file of [nativeHost, bundle])
      write(file, gunzipSync(readFileSync(path.join(import.meta.dirname, `${path.basename(file)}.gz`))))
  }
  return { ...((await import(pathToFileURL(bundle).href)) as typeof parts), nativeHost }
}

/** Whole or not at all: other processes may read it at once. */
function write(file: string, content: string | Uint8Array): void {
  const whole = `${file}.${process.pid}`
  writeFileSync(whole, content)
  renameSync(whole, file)
}
