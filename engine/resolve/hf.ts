import { fail } from "../../protocol/index.ts"
import { defineResolver } from "./resolver.ts"

/** `hf://ORG/NAME[@REVISION][/FILE]`: known, and not loaded yet. */
export default defineResolver({
  scheme: "hf:",
  parse() {
    throw fail("IPFA_MODEL_SCHEME", {
      message:
        "hf:// references can't be loaded by this version yet. Use the file's https://huggingface.co/ORG/NAME/resolve/REVISION/FILE address, with #sha256=… to pin it.",
      data: { scheme: "hf" },
    })
  },
  resolve: () => undefined,
})
