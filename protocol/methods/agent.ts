import * as v from "valibot"
import { defineMethod } from "../define-method.ts"
import { codeUse } from "./dashboard.ts"
import { browser, count, id, ms, name } from "./shared.ts"
import { hardwareReport, measurement } from "./status.ts"

/** What an agent says to the bridge. The bridge in turn calls the agent with the methods every caller uses (session.open, session.run, …). */

export const joinFleet = defineMethod({
  name: "agent.join",
  title: "An agent offers its devices.",
  grant: "agent",
  params: v.object({
    agent: id,
    browser,
    version: v.string(),
    /** Rises with each start of the agent, so that a late message of an earlier life is known as such. */
    incarnation: count,
    hardware: hardwareReport,
  }),
  result: v.object({ agent: id, heartbeatMs: ms }),
  errors: [],
})

export const beat = defineMethod({
  name: "agent.beat",
  title: "An agent is alive, and this is what its devices do; hardware comes when it changed.",
  grant: "agent",
  params: v.object({
    running: count,
    waiting: count,
    hardware: v.optional(hardwareReport),
  }),
  result: v.object({}),
  errors: ["IPFA_AGENT_UNKNOWN"],
})

export const recordEvidence = defineMethod({
  name: "agent.record",
  title: "An agent hands over what it measured.",
  grant: "agent",
  params: v.object({
    measurements: v.pipe(v.array(measurement), v.maxLength(1000)),
    /** Rises with each batch of one start of the agent: a batch that is handed over again, because its answer was lost, is stored once. */
    batch: v.optional(count),
  }),
  result: v.object({ stored: count }),
  errors: [],
})

export const pairAgent = defineMethod({
  name: "agent.pair",
  title: "Trades a one-time code for a token of this agent's own, or of a dashboard's.",
  grant: "none",
  params: v.object({
    code: v.pipe(v.string(), v.maxLength(32)),
    agent: id,
    label: v.optional(name),
    as: v.optional(codeUse, "agent"),
  }),
  result: v.object({ token: v.string() }),
  errors: ["IPFA_BRIDGE_PAIRING", "IPFA_BRIDGE_PAIRING_RATE"],
})
