import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { gunzipSync } from "node:zlib"
import { files } from "../../../bridge-server/files.ts"
import { createLog } from "../../../bridge-server/log.ts"
import { startBridge } from "../../../bridge-server/server.ts"
import { Evidence } from "../../../bridge-server/storage/index.ts"
import { BridgeLink } from "../../../engine/agent/bridge-link.ts"
import type { Pool } from "../../../engine/pool/pool.ts"
import { Gate } from "../../../extension/gate/gate.ts"
import { memoryGrants } from "../../../extension/gate/grant-store.ts"
import { Prompts } from "../../../extension/gate/prompts.ts"
import { pool } from "../../../extension/page/connection.ts"
import { Pages } from "../../../extension/supervisor/pages.ts"
import { messagePort, type Port, PROTOCOL_VERSION } from "../../../protocol/index.ts"
import { repoRoot } from "../../../scripts/sources.ts"
import { remoteMethods } from "../../../sdk/accelerator.ts"
import { connect } from "../../../sdk/connect.ts"
import { adderHost } from "../adder.ts"
import { testPool } from "../pool.ts"
import about from "./about.json" with { type: "json" }

/** What a version says to others, and what lets its parts run without a browser. */
const parts = {
  PROTOCOL_VERSION,
  connect,
  startBridge,
  createLog,
  Evidence,
  adderHost,
  testPool,
  BridgeLink,
  /** A page's connection, and its methods over that. */
  pool,
  remoteMethods,
  Gate,
  memoryGrants,
  Prompts,
  messagePort,
  /** Serves a page of that origin, in the extension. */
  servePage: (gate: Gate, pool: Pool, port: Port, origin: string): void =>
    new Pages(gate, pool, () => {}).accept(port, { origin, isPrivate: false }),
}

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
    write(path.join(own, "package.json"), JSON.stringify({ version: about.version, type: "module" }))
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
