import * as v from "valibot"
import { defineMethod } from "../define-method.ts"
import { isExtensionOrigin } from "../extension-id.ts"
import { bytes, id, name, text } from "./shared.ts"

/** What the extension says to the native host, the program that its browser starts (native-host/), and what that says to the bridge. */

/** What browsers know the native host by. */
export const HOST_NAME = "ipfs_accelerate"

export const extensionOrigin = v.pipe(v.string(), v.check(isExtensionOrigin, "an extension's origin"))

export const pairByHost = defineMethod({
  name: "host.pair",
  title:
    "Makes sure that this computer's bridge-server is up, for as long as this connection lasts, and pairs the extension with it.",
  grant: "owner",
  params: v.object({ agent: id, origin: extensionOrigin, label: v.optional(name) }),
  result: v.object({
    /** `ws://HOST:PORT/agent` */
    url: text,
    /** Takes the place of the one that the same agent had before. */
    token: text,
  }),
  errors: ["IPFA_HOST_CALLER", "IPFA_BRIDGE_UNREACHABLE", "IPFA_BRIDGE_PAIRING"],
})

export const carryByHost = defineMethod({
  name: "host.carry",
  title:
    "Opens a WebSocket to the bridge-server for a paired extension that can't; what it sends comes as events, a message each, until it is closed.",
  grant: "owner",
  params: v.object({}),
  result: v.object({}),
  event: v.object({ bytes }),
  events: "all",
  errors: ["IPFA_BRIDGE_UNREACHABLE"],
})

export const sendByHost = defineMethod({
  name: "host.send",
  title: "Sends one message on the WebSocket that host.carry opened; answers when it has left.",
  grant: "owner",
  params: v.object({ bytes }),
  result: v.object({}),
  errors: ["IPFA_BRIDGE_UNREACHABLE"],
})

export const admitAgent = defineMethod({
  name: "agent.admit",
  title: "Gives an agent a token of its own without a code, for whoever has the owner's: the native host.",
  grant: "owner",
  params: v.object({ agent: id, origin: extensionOrigin, label: v.optional(name) }),
  result: v.object({ token: v.string() }),
  errors: ["IPFA_BRIDGE_PAIRING"],
})

export const holdBridge = defineMethod({
  name: "bridge.hold",
  title:
    "Keeps a bridge-server that was started for its holders running, until the call is cancelled or its connection ends.",
  grant: "owner",
  params: v.object({}),
  result: v.object({}),
  errors: [],
})
