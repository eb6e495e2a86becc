import { fail, type MethodDefinition } from "../../protocol/index.ts"
import type { Caller } from "../caller.ts"

const RIGHTS: readonly MethodDefinition["grant"][] = ["none", "infer", "benchmark", "tune"]

/** A bridge may have things computed here. The store is the person's: the bridge brings models of its own and can't list or delete. */
export function authoriseBridge({ grant }: MethodDefinition): void {
  if (!RIGHTS.includes(grant))
    throw fail("IPFA_GRANT_REQUIRED", {
      message: "That is for this browser's owner, not for a bridge it is paired with.",
    })
}

/** The bridge at `address`. It uploads what is to be computed: what another bridge uploaded or a page loaded, it can't name, nor have anything fetched from here. */
export function bridgeCaller(address: string): Caller {
  return {
    origin: `bridge:${address}`,
    lends: true,
    allowModel(reference) {
      if (!reference.startsWith("sha256:"))
        throw fail("IPFA_GRANT_REQUIRED", {
          message: "A bridge uploads its models to this browser, which fetches none for it.",
        })
    },
  }
}
