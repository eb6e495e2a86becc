import { fail } from "../protocol/errors/error.ts"
import type { EnableRequest, Grant } from "./types.ts"

/** No limit but the machine's. */
const UNLIMITED = Number.MAX_SAFE_INTEGER

/** What a caller has that computes with what is its own: all that there is to grant there. */
export function ownGrant(origin: string, { capabilities }: EnableRequest): Grant {
  if (capabilities.includes("fleet") && origin !== "bridge")
    throw fail("IPFA_GRANT_DENIED", { message: "This version can't send a page's jobs to other browsers." })
  return {
    origin,
    capabilities,
    models: ["*"],
    lifetime: "session",
    limits: { storeBytes: UNLIMITED, memoryBytes: UNLIMITED, concurrentJobs: UNLIMITED },
  }
}
