import { fail } from "../../protocol/index.ts"
import { defineResolver } from "./resolver.ts"

/** `ipfs://CID[/PATH]`: known, and not loaded yet. */
export default defineResolver({
  scheme: "ipfs:",
  parse() {
    throw fail("IPFA_MODEL_SCHEME", {
      message:
        "ipfs:// references can't be loaded by this version yet. Use a gateway's https:// address with #sha256=… to pin it, or upload the bytes.",
      data: { scheme: "ipfs" },
    })
  },
  resolve: () => undefined,
})
