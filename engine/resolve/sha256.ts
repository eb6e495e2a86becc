import { defineResolver } from "./resolver.ts"
import { refused } from "./web-reference.ts"

/** `sha256:HEX`: what is in the store already, an upload of one's own or a model that is shared by reference. */
export default defineResolver({
  scheme: "sha256:",
  parse(text) {
    const sha256 = text.slice("sha256:".length).toLowerCase()
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw refused("sha256: and 64 hexadecimal digits")
    return { scheme: "sha256:", canonical: `sha256:${sha256}`, trust: "digest", sha256, ownerOnly: false }
  },
  resolve: () => undefined,
})
