/** Which hosts models may come from. Hosts are as `new URL(…).hostname` gives them, so odd spellings of an address are gone already. */

export type HostKind = "public" | "loopback" | "private"

/** The kind of a host by its text alone; a name that only DNS can judge counts as public. */
export function hostKind(hostname: string): HostKind {
  const host = hostname.replace(/\.$/, "").toLowerCase()
  if (host.startsWith("[") && host.endsWith("]")) return addressKind(host.slice(1, -1))
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return addressKind(host)
  if (host === "localhost" || host.endsWith(".localhost")) return "loopback"
  // Names that never leave a local network (RFC 6762, 8375, 9476), and names without a dot.
  if (/\.(local|internal|home\.arpa|localdomain|intranet|lan|alt|test|invalid|onion)$/.test(host)) return "private"
  return host.includes(".") ? "public" : "private"
}

/** The kind of a numeric IPv4 or IPv6 address; what can't be read is private. */
export function addressKind(address: string): HostKind {
  const v4 = parseV4(address)
  if (v4 !== undefined) return v4Kind(v4)
  const groups = parseV6(address)
  return groups ? v6Kind(groups) : "private"
}

function parseV4(text: string): number | undefined {
  const parts = text.split(".")
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0)
}

/** IANA's special-purpose IPv4 blocks that are not globally reachable, with multicast and broadcast. */
const v4Private: readonly [base: string, bits: number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
]

function v4Kind(address: number): HostKind {
  if (address >>> 24 === 127) return "loopback"
  const inside = ([base, bits]: readonly [string, number]) => {
    const shift = 2 ** (32 - bits)
    return Math.floor(address / shift) === Math.floor((parseV4(base) as number) / shift)
  }
  return v4Private.some(inside) ? "private" : "public"
}

/** Eight 16-bit groups. */
function parseV6(text: string): number[] | undefined {
  let address = text.split("%")[0] as string
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address)
  if (dotted) {
    const v4 = parseV4(dotted[2] as string)
    if (v4 === undefined) return undefined
    address = `${dotted[1]}${Math.floor(v4 / 65_536).toString(16)}:${(v4 % 65_536).toString(16)}`
  }
  const halves = address.split("::")
  if (halves.length > 2) return undefined
  const [head = [], tail = []] = halves.map((half) => (half === "" ? [] : half.split(":")))
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...head, ...new Array<string>(halves.length === 2 ? missing : 0).fill("0"), ...tail]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  return groups.map((group) => Number.parseInt(group, 16))
}

function v6Kind(groups: number[]): HostKind {
  const [a, b, c, d, e, f, g, h] = groups as [number, number, number, number, number, number, number, number]
  const low = g * 65_536 + h
  const leadingZero = a === 0 && b === 0 && c === 0 && d === 0
  if (leadingZero && e === 0 && f === 0 && low === 1) return "loopback"
  // IPv4 inside IPv6: compatible, mapped, translated (NAT64), 6to4.
  if (leadingZero && (f === 0xffff || f === 0) && (e === 0 || e === 0xffff)) return v4Kind(low)
  if (a === 0x64 && b === 0xff9b && c === 0 && d === 0 && e === 0 && f === 0) return v4Kind(low)
  if (a === 0x2002) return v4Kind(b * 65_536 + c)
  // Only 2000::/3 is global unicast; in it Teredo, ORCHID and documentation are not.
  if (a >>> 13 !== 1) return "private"
  if (a === 0x2001 && (b < 0x200 || b === 0xdb8)) return "private"
  if (a === 0x3fff && b < 0x1000) return "private"
  return "public"
}
