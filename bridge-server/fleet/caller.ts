import type { Caller } from "../../engine/caller.ts"
import { fail, type MethodDefinition } from "../../protocol/index.ts"

/** Who is at the other end of a connection, by the token it brought: never by its own word. */
export interface BridgeCaller extends Caller {
  /** `owner`, `agent:ID`, `dashboard:ID`, or for one that has no token yet `unpaired`. */
  readonly origin: string
  readonly role: "owner" | "agent" | "dashboard" | "native" | "unpaired"
  /** The agent, or the dashboard, that the token belongs to. */
  readonly agent?: string
  /** The browser's word on who opened the connection. */
  readonly webOrigin?: string
  /** Remote address of the connection; a native child has none. */
  readonly address: string
}

const rights: Record<BridgeCaller["role"], readonly MethodDefinition["grant"][]> = {
  owner: ["none", "infer", "benchmark", "tune", "owner", "dashboard"],
  agent: ["none", "agent"],
  dashboard: ["none", "dashboard"],
  native: ["agent"],
  unpaired: ["none"],
}

/** Refuses what the caller's role has no right to, before any handler sees it. */
export function authorise(method: MethodDefinition, _params: unknown, caller: BridgeCaller): void {
  if (rights[caller.role].includes(method.grant)) return
  if (caller.role === "unpaired") throw fail("IPFA_BRIDGE_TOKEN")
  throw fail("IPFA_GRANT_REQUIRED", { message: "That needs another token than the one this connection brought." })
}
