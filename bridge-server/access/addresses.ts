import { isIP } from "node:net"

const LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]"]

export interface Listening {
  host: string
  port: number
  tls: boolean
  /** Further `host[:port]` forms the bridge is known by, as a person configured them. */
  alsoKnownAs?: readonly string[]
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))
}

/** Every exact form of the Host header that names this bridge. A name that merely resolves here is not among them: that is how DNS rebinding gets in. */
export function hostForms({ host, port, tls, alsoKnownAs = [] }: Listening): Set<string> {
  const literal = isIP(host) === 6 ? `[${host}]` : host
  // 0.0.0.0 and :: are no names; whoever listens there says by which names in `alsoKnownAs`.
  const names = new Set([...LOOPBACK_NAMES, ...(["0.0.0.0", "[::]"].includes(literal) ? [] : [literal.toLowerCase()])])
  const forms = new Set<string>()
  const add = (name: string, at: number) => {
    forms.add(`${name}:${at}`)
    // A client leaves the scheme's own port out.
    if (at === (tls ? 443 : 80)) forms.add(name)
  }
  for (const name of names) add(name, port)
  for (const known of alsoKnownAs) {
    const withPort = /^(.+):(\d+)$/.exec(known.toLowerCase())
    if (withPort) add(withPort[1] as string, Number(withPort[2]))
    else add(known.toLowerCase(), port)
  }
  return forms
}

/** The origins of the bridge's own pages. */
export function ownOrigins(forms: ReadonlySet<string>, tls: boolean): Set<string> {
  return new Set([...forms].map((form) => `${tls ? "https" : "http"}://${form}`))
}

/** `http://HOST:PORT` by which browsers call the bridge. With TLS what other machines call it first; without, pages from there can't do their work. */
export function addressesOf(at: Listening): string[] {
  const origin = (form: string) => new URL(`${at.tls ? "https" : "http"}://${form}`).origin
  const host = isLoopback(at.host) ? at.host : "127.0.0.1"
  const own = origin(`${isIP(host) === 6 ? `[${host}]` : host}:${at.port}`)
  const isOwn = (form: string) => LOOPBACK_NAMES.some((name) => form === name || form.startsWith(`${name}:`))
  const others = [...hostForms(at)].filter((form) => !isOwn(form)).map(origin)
  return [...new Set(at.tls ? [...others, own] : [own, ...others])]
}

/** What attempts from a remote address are counted by: of IPv6 the first 64 bits, behind which one machine has as many addresses as it likes. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (isIP(address) !== 6) return address
  const [head = "", tail = ""] = (address.split("%")[0] as string).split("::")
  const groups = (text: string) => (text === "" ? [] : text.split(":"))
  const [first, last] = [groups(head), groups(tail)]
  const missing = address.includes("::") ? 8 - first.length - last.length : 0
  const all = [...first, ...Array<string>(missing).fill("0"), ...last]
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")
}
