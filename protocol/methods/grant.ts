import * as v from "valibot"
import { defineMethod } from "../define-method.ts"
import { count, modelReference, ms } from "./shared.ts"

export const capabilities = ["infer", "benchmark", "fleet"] as const
export type Capability = (typeof capabilities)[number]
export const capability = v.picklist(capabilities)

export const grant = v.object({
  /** The exact origin the grant is bound to, as the browser serialises it. */
  origin: v.string(),
  capabilities: v.array(capability),
  /** References it may load; `*` is any. */
  models: v.array(modelReference),
  /** ms since 1970; absent where it lasts until it is revoked. */
  expiresAt: v.optional(ms),
  lifetime: v.picklist(["once", "session", "always"]),
  limits: v.object({ storeBytes: count, memoryBytes: count, concurrentJobs: count }),
})
export type Grant = v.InferOutput<typeof grant>

export const requestGrant = defineMethod({
  name: "grant.request",
  title: "Asks the person, in a window of the extension, what this origin may do.",
  grant: "none",
  params: v.object({
    capabilities: v.pipe(v.array(capability), v.minLength(1), v.maxLength(3)),
    models: v.optional(v.pipe(v.array(modelReference), v.maxLength(32))),
    reason: v.optional(v.pipe(v.string(), v.maxLength(300))),
  }),
  result: grant,
  errors: ["IPFA_GRANT_DENIED", "IPFA_GRANT_ORIGIN", "IPFA_GRANT_PROMPT", "IPFA_STORE_QUOTA"],
})
