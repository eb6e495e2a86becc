import { fail } from "../../protocol/index.ts"
import { hostKind } from "./address.ts"
import type { Reference } from "./resolver.ts"

const SHA256 = /^[0-9a-f]{64}$/

/** What `http:` and `https:` references have in common: a URL, and perhaps `#sha256=…`. */
export function parseWebReference(text: string): Reference {
  const url = parseUrl(text)
  // They would end up in lists and logs.
  if (url.username || url.password) throw refused("a URL without a user name or password")
  const sha256 = parsePin(url)
  url.hash = ""
  return {
    scheme: url.protocol,
    canonical: sha256 ? `${url.href}#sha256=${sha256}` : url.href,
    trust: sha256 ? "digest" : "first-use",
    ...(sha256 && { sha256 }),
    ownerOnly: hostKind(url.hostname) !== "public",
  }
}

/** The address of a reference made by `parseWebReference`. */
export function addressOf(reference: Reference): URL {
  const url = new URL(reference.canonical)
  url.hash = ""
  return url
}

export function parseUrl(text: string): URL {
  try {
    return new URL(text)
  } catch (cause) {
    throw fail("IPFA_MODEL_REFERENCE", { cause })
  }
}

/** The SHA-256 in a URL's fragment, lower case; undefined where there is no fragment. */
export function parsePin(url: URL): string | undefined {
  if (url.hash === "" || url.hash === "#") return undefined
  const pin = /^#sha256=(.*)$/.exec(url.hash)?.[1]?.toLowerCase()
  if (!pin || !SHA256.test(pin)) throw refused("#sha256= and 64 hexadecimal digits, or no fragment")
  return pin
}

export function refused(expected: string): Error {
  return fail("IPFA_MODEL_REFERENCE", {
    message: `That is no model reference: expected ${expected}.`,
    data: { expected },
  })
}
