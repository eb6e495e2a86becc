import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import path from "node:path"
import { pathToFileURL } from "node:url"
import { gunzipSync } from "node:zlib"
import type { createLog } from "../../../bridge-server/log.ts"
import type { startBridge } from "../../../bridge-server/server.ts"
import type { Evidence } from "../../../bridge-server/storage/index.ts"
import { repoRoot } from "../../../scripts/sources.ts"
import type { connect } from "../../../sdk/connect.ts"
import type { adderHost } from "../adder.ts"
import type { joinAgent } from "../bridge.ts"
import type { testPool } from "../pool.ts"
import about from "./about.json" with { type: "json" }

/** Parts of the version before this one, as they were; their types are this version's, which tests use within what both have. */
export interface Previous {
  connect: typeof connect
  startBridge: typeof startBridge
  createLog: typeof createLog
  Evidence: typeof Evidence
  PROTOCOL_VERSION: number
  adderHost: typeof adderHost
  testPool: typeof testPool
  joinAgent: typeof joinAgent
}

const folder = path.join(repoRoot, ".output", "previous")

/** The bundle that scripts/freeze-previous.ts made. It is unpacked where it finds the packages it imports, and what it reads beside itself. */
export async function previousVersion(): Promise<Previous> {
  const own = path.join(folder, about.commit)
  const file = path.join(own, "dist", "bundle.mjs")
  if (!existsSync(file)) {
    mkdirSync(path.dirname(file), { recursive: true })
    write(path.join(own, "package.json"), JSON.stringify({ version: about.version, type: "module" }))
    cpSync(path.join(repoRoot, "models", "digits"), path.join(folder, "models", "digits"), { recursive: true })
    write(file, gunzipSync(readFileSync(path.join(import.meta.dirname, "bundle.mjs.gz"))))
  }
  return (await import(pathToFileURL(file).href)) as Previous
}

/** Whole or not at all: other processes may read it at once. */
function write(file: string, content: string | Uint8Array): void {
  const whole = `${file}.${process.pid}`
  writeFileSync(whole, content)
  renameSync(whole, file)
}
