import { decodePunycode } from "./punycode.ts"

/** Whether a page of `origin` can be granted anything: it is a secure context with an origin of its own. `origin` is the browser's word. */
export function isGrantable(origin: string): boolean {
  let url: URL
  try {
    url = new URL(origin)
  } catch {
    // `null`: sandboxed, `data:`, `file:`.
    return false
  }
  if (url.origin !== origin) return false
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname))
}

/** Hosts that browsers treat as potentially trustworthy without TLS (W3C Secure Contexts, 3.1). */
function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  )
}

/**
 * An origin as a person may read it safely: always as it stands in certificates (`xn--…`), and in letters beside it where the two differ,
 * so that a look-alike (`xn--pple-43d.com`, which shows as аpple.com) is seen to be one.
 */
export function displayOrigin(origin: string): { ascii: string; letters?: string } {
  const { protocol, hostname, port } = new URL(origin)
  const labels = hostname.split(".").map((label) => (label.startsWith("xn--") ? decodePunycode(label.slice(4)) : label))
  if (labels.includes(undefined) || labels.join(".") === hostname) return { ascii: origin }
  return { ascii: origin, letters: `${protocol}//${labels.join(".")}${port && `:${port}`}` }
}
