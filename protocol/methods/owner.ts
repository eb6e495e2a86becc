import * as v from "valibot"
import { defineMethod } from "../define-method.ts"
import { wireErrorSchema } from "../errors/wire-schema.ts"
import { capability, grant } from "./grant.ts"
import { count, id, modelReference, ms, text } from "./shared.ts"

/** What the extension's own pages say to its supervisor, in the name of the person. Never reachable by a page or the bridge. */

export const heldGrant = v.object({ ...grant.entries, grantedAt: ms, usedAt: ms })
export type HeldGrant = v.InferOutput<typeof heldGrant>

export const bridgeState = v.object({
  /** `none`: not paired. */
  state: v.picklist(["none", "connecting", "connected", "waiting"]),
  /** `ws://HOST:PORT/agent` */
  url: v.optional(v.string()),
  /** Why it is not connected, or not paired by the native host. */
  fault: v.optional(v.pick(wireErrorSchema, ["code", "message"])),
  /** When it is tried again, ms since 1970. */
  retryAt: v.optional(ms),
  agent: v.optional(id),
  /** The native host pairs it; with `none`, it is looked for, or was and `fault` says why that led to nothing. */
  byHost: v.optional(v.boolean()),
  /** The native host carries the connection: the browser could not open one itself. */
  carried: v.optional(v.boolean()),
})
export type BridgeState = v.InferOutput<typeof bridgeState>

/** What the person decided for the whole browser. */
export const preferences = v.object({
  /** Devices may be measured in idle time (engine/pool/tuner.ts). */
  measureIdle: v.boolean(),
  /** Nothing is computed, but for the extension's own pages. */
  paused: v.boolean(),
  /** Memory that all loaded models and kept tensors may take together. */
  memoryBytes: v.pipe(count, v.minValue(2 ** 20)),
  /** Disk that stored models may take together. */
  storeBytes: v.pipe(count, v.minValue(2 ** 20)),
  /** Part of the time that a GPU may compute. */
  gpuShare: v.pipe(v.number(), v.minValue(0.1), v.maxValue(1)),
  /** Computing goes on while the computer runs on its battery. */
  onBattery: v.boolean(),
  /** Models are downloaded on a network that is metered. */
  onMetered: v.boolean(),
  /** Pages in private windows may ask. What they are granted ends with the page. */
  privateWindows: v.boolean(),
})
export type Preferences = v.InferOutput<typeof preferences>

/** What the extension's pages are told of the whole. */
const snapshot = v.object({
  grants: v.array(heldGrant),
  /** Origins that are switched off: they get nothing and can't ask, whatever they hold. */
  blocked: v.array(v.string()),
  bridge: bridgeState,
  preferences,
  /** Why nothing is computed now. */
  paused: v.optional(v.picklist(["person", "battery"])),
  /** Databases and folders that could not be deleted when everything was, before this supervisor began. */
  unerased: v.array(v.string()),
})
export type Snapshot = v.InferOutput<typeof snapshot>

export const watchOwner = defineMethod({
  name: "owner.watch",
  title:
    "Tells the extension's pages what is granted, what the person prefers and how the bridge is reached, now and at each change, until it is cancelled.",
  grant: "owner",
  params: v.object({}),
  result: v.object({}),
  event: snapshot,
  events: "latest",
  errors: [],
})

export const prefer = defineMethod({
  name: "owner.prefer",
  title: "Changes what the person prefers; what is not named stays.",
  grant: "owner",
  params: v.partial(preferences),
  result: preferences,
  errors: ["IPFA_STORE_QUOTA"],
})

export const switchSite = defineMethod({
  name: "site.switch",
  title: "Switches an origin off, which ends what it runs, or on again; what it was granted stays.",
  grant: "owner",
  params: v.object({ origin: v.pipe(v.string(), v.maxLength(512)), on: v.boolean() }),
  result: v.object({}),
  errors: ["IPFA_STORE_QUOTA"],
})

export const eraseAll = defineMethod({
  name: "owner.erase",
  title:
    "Deletes all that the extension keeps in this browser: grants, models, measurements, logs, preferences, the pairing. What runs ends, and the supervisor starts anew.",
  grant: "owner",
  params: v.object({}),
  result: v.object({}),
  errors: [],
})

export const restartOwner = defineMethod({
  name: "owner.restart",
  title:
    "Where the supervisor could not start: has it start anew. The connection ends; the next one tells how that went.",
  grant: "owner",
  params: v.object({}),
  result: v.object({}),
  errors: [],
})

export const revokeGrant = defineMethod({
  name: "grant.revoke",
  title: "Takes back what an origin was granted; what it runs ends.",
  grant: "owner",
  params: v.object({ origin: v.pipe(v.string(), v.maxLength(512)) }),
  result: v.object({ revoked: v.boolean() }),
  errors: ["IPFA_STORE_QUOTA"],
})

/** What a person is asked. */
export const promptDetails = v.object({
  origin: v.string(),
  capabilities: v.array(capability),
  models: v.array(modelReference),
  reason: v.optional(v.string()),
  /** Part of it was granted for always: that stays, whatever is answered. */
  hasAlways: v.optional(v.boolean()),
  limits: v.object({ storeBytes: count, memoryBytes: count, concurrentJobs: count }),
})
export type PromptDetails = v.InferOutput<typeof promptDetails>

export const showPrompt = defineMethod({
  name: "prompt.show",
  title:
    "What the window that opened for a request is to ask; when the connection that asked for it ends without an answer, that is a no.",
  grant: "owner",
  params: v.object({ id }),
  result: promptDetails,
  errors: ["IPFA_GRANT_PROMPT"],
})

export const answers = ["once", "session", "always", "deny"] as const
export type Answer = (typeof answers)[number]

export const answerPrompt = defineMethod({
  name: "prompt.answer",
  title: "What the person decided.",
  grant: "owner",
  params: v.object({ id, answer: v.picklist(answers) }),
  result: v.object({}),
  errors: ["IPFA_GRANT_PROMPT"],
})

export const pairBridge = defineMethod({
  name: "bridge.pair",
  title: "Trades a pairing code for a token of the bridge-server at that address, and joins it from now on.",
  grant: "owner",
  params: v.object({ url: text, code: v.pipe(v.string(), v.minLength(1), v.maxLength(32)) }),
  result: bridgeState,
  errors: ["IPFA_BRIDGE_UNREACHABLE", "IPFA_BRIDGE_PAIRING", "IPFA_BRIDGE_PAIRING_RATE", "IPFA_STORE_QUOTA"],
})

export const findBridge = defineMethod({
  name: "bridge.find",
  title:
    "Has the native host pair this browser with this computer's bridge-server, which is joined from now on; owner.watch tells how it goes.",
  grant: "owner",
  params: v.object({}),
  result: v.object({}),
  errors: [],
})

export const forgetBridge = defineMethod({
  name: "bridge.forget",
  title: "Leaves the bridge-server and forgets its token.",
  grant: "owner",
  params: v.object({}),
  result: v.object({}),
  errors: ["IPFA_STORE_QUOTA"],
})
