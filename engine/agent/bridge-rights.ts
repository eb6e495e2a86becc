import { fail, type MethodDefinition } from "../../protocol/index.ts"

const RIGHTS: readonly MethodDefinition["grant"][] = ["none", "infer", "benchmark"]

/** A bridge may have things computed here. The store is the person's: the bridge brings models of its own and can't list or delete. */
export function authoriseBridge({ grant }: MethodDefinition): void {
  if (!RIGHTS.includes(grant))
    throw fail("IPFA_GRANT_REQUIRED", {
      message: "That is for this browser's owner, not for a bridge it is paired with.",
    })
}
