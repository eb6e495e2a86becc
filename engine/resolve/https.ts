import { fail } from "../../protocol/index.ts"
import { hostKind } from "./address.ts"
import { defineResolver, type Reference, type ResolveEnvironment } from "./resolver.ts"
import { addressOf, parseWebReference } from "./web-reference.ts"
import { webSource } from "./web-source.ts"

/** `https://HOST/PATH[#sha256=HEX]` */
export default defineResolver({
  scheme: "https:",
  parse: parseWebReference,
  resolve: resolveWeb,
})

/** The source at a web address, or the reason why models may not come from there. */
export function resolveWeb(reference: Reference, environment: ResolveEnvironment) {
  const url = addressOf(reference)
  const kind = hostKind(url.hostname)
  const loopback = kind === "loopback" && environment.allowLoopback
  if (kind !== "public" && !loopback)
    throw fail("IPFA_MODEL_ADDRESS", {
      message: `Models are not fetched from ${url.host}: it is ${kind === "loopback" ? "this machine itself" : "on a private network"}.`,
      data: { host: url.host },
    })
  return webSource(environment.http, url.href, loopback)
}
