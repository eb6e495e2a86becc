import { browsers, type CodeUse, fail, type Handlers } from "../../protocol/index.ts"
import type { AgentTokens } from "../access/agent-tokens.ts"
import type { Pairing } from "../access/pairing.ts"
import type { Logger } from "../log.ts"
import type { BridgeCaller } from "./caller.ts"
import type { Evidence } from "./evidence.ts"
import { type Fleet, HEARTBEAT_MS } from "./fleet.ts"
import type { AgentPeer, Member } from "./member.ts"

export interface AgentParts {
  fleet: Fleet
  pairing: Pairing
  tokens: AgentTokens
  evidence: Evidence | undefined
  log: Logger
}

/** A token for `agent`, good from that origin only. */
export function admit(
  { tokens, log }: Pick<AgentParts, "tokens" | "log">,
  agent: string,
  use: CodeUse,
  { origin, label }: { origin: string | undefined; label: string | undefined },
): string {
  checkName(agent)
  const token = tokens.issue(agent, use, {
    ...(origin !== undefined && { origin }),
    ...(label !== undefined && { label }),
  })
  log.info({ agent, as: use, origin }, "paired")
  return token
}

/** Agents are asked for by their browser's name as well, which is therefore nobody's own. */
function checkName(agent: string): void {
  if (/^(native|bridge|owner)/.test(agent) || browsers.some((browser) => browser === agent))
    throw fail("IPFA_INPUT_INVALID", { data: { path: "agent", expected: "another name" } })
}

/**
 * The handlers of one agent's connection. Which agent it is, is what its token says (or, for a native child, what started it): the name in
 * a message is not looked at.
 */
export function agentConnection(
  { fleet, pairing, tokens, evidence, log }: AgentParts,
  peer: () => AgentPeer,
): Handlers<BridgeCaller> {
  let member: Member | undefined
  const joined = (): Member => {
    if (!member) throw fail("IPFA_AGENT_UNKNOWN", { message: "Join before that." })
    return member
  }
  return {
    "agent.pair": ({ code, agent, label, as: use }, { caller }) => {
      // Before the code is used up.
      checkName(agent)
      pairing.redeem(code, use, caller)
      return { token: admit({ tokens, log }, agent, use, { origin: caller.webOrigin, label }) }
    },
    "agent.join": ({ browser, version, incarnation, hardware }, { caller }) => {
      const agent = caller.agent as string
      // Callers force `native` by its browser's name too: only what this bridge started goes by it.
      if (browser === "native" && caller.role !== "native")
        throw fail("IPFA_INPUT_INVALID", { data: { path: "browser", expected: "the browser it runs in" } })
      member = fleet.join({
        agent,
        browser,
        version,
        incarnation,
        hardware,
        peer: peer(),
        native: caller.role === "native",
      })
      return { agent, heartbeatMs: HEARTBEAT_MS }
    },
    "agent.beat": (load) => {
      fleet.beat(joined(), load)
      return {}
    },
    "agent.record": ({ measurements, batch: number }) => {
      const { agent, incarnation } = joined()
      const batch = number === undefined ? undefined : { incarnation, number }
      return { stored: evidence?.record(agent, measurements, batch) ?? 0 }
    },
  }
}
