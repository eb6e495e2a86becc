import { fail } from "../../protocol/index.ts"
import { hostKind } from "./address.ts"
import { resolveWeb } from "./https.ts"
import { defineResolver } from "./resolver.ts"
import { addressOf, parseWebReference } from "./web-reference.ts"

/** `http://HOST/PATH[#sha256=HEX]`, for loopback only, where that is allowed at all. */
export default defineResolver({
  scheme: "http:",
  parse(text) {
    const reference = parseWebReference(text)
    if (hostKind(addressOf(reference).hostname) === "public")
      throw fail("IPFA_MODEL_SCHEME", {
        message: "Models are not loaded over unprotected http. Use https://… instead.",
        data: { scheme: "http" },
      })
    return reference
  },
  resolve: resolveWeb,
})
