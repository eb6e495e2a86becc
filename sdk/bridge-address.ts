import { readFile } from "node:fs/promises"
import { homedir } from "node:os"
import path from "node:path"
import { type BridgeAddress, bridgeProves, dataFolder } from "../protocol/bridge-door.ts"
import { fail } from "../protocol/errors/error.ts"
import type { ConnectOptions } from "./connect.ts"

/** Where a bridge-server is, and what opens it. */
export interface FoundBridge extends Pick<BridgeAddress, "http" | "ws" | "cert"> {
  token: string
}

/** What was given, and for the rest what a running bridge-server wrote into its data folder. Throws IPFA_BRIDGE_UNREACHABLE, IPFA_BRIDGE_TOKEN. */
export async function findBridge({ url, token, tokenFile, dataDir }: ConnectOptions): Promise<FoundBridge> {
  const dir = dataDir ?? dataFolder({ platform: process.platform, env: process.env, home: homedir() })
  const announced = url ? undefined : await readAnnounced(dir)
  const { http, ws } = addresses(url ?? announced?.http)
  const file = tokenFile ?? announced?.tokenFile ?? path.join(dir, "token")
  const secret = token ?? (await readFile(file, "utf8").catch(() => "")).trim()
  if (!secret) throw fail("IPFA_BRIDGE_TOKEN", { data: { tokenFile: file } })
  return { http, ws, token: secret, ...(announced?.cert !== undefined && { cert: announced.cert }) }
}

async function readAnnounced(dir: string): Promise<BridgeAddress> {
  try {
    return JSON.parse(await readFile(path.join(dir, "bridge.json"), "utf8"))
  } catch (cause) {
    throw fail("IPFA_BRIDGE_UNREACHABLE", { data: { dataDir: dir }, cause })
  }
}

function addresses(url: string | undefined): { http: string; ws: string } {
  const match = /^(?:http|ws)(s?):\/\/([^/?#@]+)(?:[/?#]|$)/.exec(url ?? "")
  if (!match)
    throw fail("IPFA_INPUT_INVALID", { data: { path: "url", expected: "ws://HOST:PORT or http://HOST:PORT" } })
  return { http: `http${match[1]}://${match[2]}`, ws: `ws${match[1]}://${match[2]}` }
}

/** Makes sure that whoever listens there knows the token, before it is sent. Throws IPFA_BRIDGE_UNREACHABLE, IPFA_BRIDGE_TOKEN. */
export async function prove({ http, token, cert }: FoundBridge, signal: AbortSignal): Promise<void> {
  const ask = cert === undefined ? fetch : (await import("../native-host/ask.ts")).askBridge(cert)
  if (!(await bridgeProves(http, token, { signal, ask })))
    throw fail("IPFA_BRIDGE_TOKEN", {
      message: `What listens at ${http} is not the bridge-server that this token belongs to. It was not told the token.`,
      data: { http },
    })
}
