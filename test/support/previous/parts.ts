import type { Pool } from "../../../engine/index.ts"
import type { Gate } from "../../../extension/gate/gate.ts"
import { Pages } from "../../../extension/supervisor/pages.ts"
import type { Port } from "../../../protocol/index.ts"

// What a version says to others (Node client, bridge-server, an agent and its pool, a page and what serves it), and what lets its parts run
// without a browser. Tests use it of this version, and scripts/freeze-previous.ts bundles it as it was at a release: what joins parts is here, where
// it changes with them.

export { createLog } from "../../../bridge-server/log.ts"
export { startBridge } from "../../../bridge-server/server.ts"
export { Evidence } from "../../../bridge-server/storage/index.ts"
export { BridgeLink } from "../../../engine/agent/bridge-link.ts"
export { Gate } from "../../../extension/gate/gate.ts"
export { memoryGrants } from "../../../extension/gate/grant-store.ts"
export { Prompts } from "../../../extension/gate/prompts.ts"
export { pool } from "../../../extension/page/connection.ts"
export { messagePort, PROTOCOL_VERSION } from "../../../protocol/index.ts"
export { remoteMethods } from "../../../sdk/accelerator.ts"
export { connect } from "../../../sdk/connect.ts"
export { adderHost } from "../adder.ts"
export { testPool } from "../pool.ts"

/** Serves a page of that origin, in the extension. */
export function servePage(gate: Gate, pool: Pool, port: Port, origin: string): void {
  new Pages(gate, pool, () => undefined).accept(port, { origin, isPrivate: false })
}
