import { readFileSync } from "node:fs"
import path from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { askBridge } from "../../native-host/ask.ts"
import { bridgeProves, fail } from "../../protocol/index.ts"
import { findBridge } from "../data-folder.ts"
import { LogFile } from "../log.ts"

/** To start takes a bridge-server a second or two, ms. */
const START_MS = 10_000
const LOOK_AGAIN_MS = 200
const ANSWER_MS = 1000

/**
 * Resolves with the address of the bridge-server on `dataDir`, once it has shown that it is ours. `before` is the process of one that ran there before it
 * was to start, `since` when that was (Date.now()). Throws IPFA_BRIDGE_SERVICE with what was logged last where there is none after `limitMs`.
 */
export async function awaitStart(
  dataDir: string,
  { before, since, limitMs = START_MS }: { before: number | undefined; since: number; limitMs?: number },
): Promise<string> {
  for (const until = performance.now() + limitMs; performance.now() < until; await delay(LOOK_AGAIN_MS)) {
    const http = await proven(dataDir, before)
    if (http !== undefined) return http
  }
  const said = lastSaid(dataDir, since)
  throw fail("IPFA_BRIDGE_SERVICE", {
    message: `It is installed, but no bridge-server of it has answered for ${limitMs / 1000} s. ${said ? `Its log says last: ${said}` : "It has logged nothing."}`,
    data: { dataDir, ...(said && { reason: said }) },
  })
}

async function proven(dataDir: string, before: number | undefined): Promise<string | undefined> {
  try {
    const { http, token, pid, cert } = findBridge(dataDir)
    const asked = { signal: AbortSignal.timeout(ANSWER_MS), ask: askBridge(cert) }
    return pid !== before && (await bridgeProves(http, token, asked)) ? http : undefined
  } catch {
    // Not yet.
    return undefined
  }
}

/** The last line of the log in `dataDir`, where it was written at `since` or later. */
function lastSaid(dataDir: string, since: number): string | undefined {
  try {
    const lines = readFileSync(new LogFile(path.join(dataDir, "logs")).path, "utf8")
      .trim()
      .split("\n")
    const { time, msg, err } = JSON.parse(lines.at(-1) ?? "")
    if (time < since) return undefined
    return err ? `${err.code}: ${err.message}` : msg
  } catch {
    return undefined
  }
}
