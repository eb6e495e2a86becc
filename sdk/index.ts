import { fail } from "../protocol/errors/error.ts"
import type { BridgeAccelerator, ConnectOptions } from "./connect.ts"

/** What a page gets. */
export * from "./common.ts"
export type { BridgeAccelerator, ConnectOptions }

/** Node's alone: a page never talks to a bridge-server; the extension does that for it. Throws IPFA_BRIDGE_UNREACHABLE. */
export async function connect(_options?: ConnectOptions): Promise<BridgeAccelerator> {
  throw fail("IPFA_BRIDGE_UNREACHABLE", {
    message: "Pages don't talk to a bridge-server. Use createAccelerator(), which goes by the extension.",
  })
}
