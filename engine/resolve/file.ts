import { fail } from "../../protocol/index.ts"
import { defineResolver } from "./resolver.ts"
import { parsePin, parseUrl, refused } from "./web-reference.ts"

/** `file:///PATH[#sha256=HEX]`, absolute, for the person's own programs in Node. */
export default defineResolver({
  scheme: "file:",
  parse(text) {
    // `new URL` would make `file:a.onnx` an absolute path nobody meant.
    if (!/^file:\/(?!\/[^/])/i.test(text)) throw refused("file:// and an absolute path")
    const url = parseUrl(text)
    if (url.host !== "" || url.search !== "" || url.pathname.endsWith("/"))
      throw refused("file:// and an absolute path")
    const sha256 = parsePin(url)
    url.hash = ""
    return {
      scheme: "file:",
      canonical: sha256 ? `${url.href}#sha256=${sha256}` : url.href,
      trust: sha256 ? "digest" : "current",
      ...(sha256 && { sha256 }),
      ownerOnly: true,
    }
  },
  resolve(reference, environment, owner) {
    if (!environment.files)
      throw fail("IPFA_MODEL_SCHEME", {
        message: "file: references are loaded in Node only, and only where it was allowed. Upload the bytes instead.",
        data: { scheme: "file" },
      })
    // A page must not learn which files there are.
    if (owner.owner !== "owner") throw fail("IPFA_MODEL_ADDRESS", { data: { scheme: "file" } })
    const url = new URL(reference.canonical)
    url.hash = ""
    return environment.files.source(url.href)
  },
})
