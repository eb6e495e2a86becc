import type { Plugin } from "vite"

/** Codes that arise in the page itself, without a sentence of their own. */
const SAID_IN_PAGE = new Set([
  "IPFA_INPUT_INVALID",
  "IPFA_INTERNAL",
  "IPFA_PROTOCOL_VERSION",
  "IPFA_PROTOCOL_MALFORMED",
  "IPFA_PROTOCOL_TOO_LARGE",
  "IPFA_PROTOCOL_CLOSED",
  "IPFA_JOB_CANCELLED",
  "IPFA_JOB_DEADLINE",
])
/** Codes that no page ever gets. */
const NOT_FOR_PAGES = /^IPFA_(BRIDGE_|AGENT_|HOST_|STORAGE_|STORE_(DENIED|LOCKED)$)/

const ENTRY = /(IPFA_\w+)(: entry\(\s*\d+,\s*)"(?:[^"\\]|\\.)*"((?:,\s*true)?,?\s*\),)/g

/** Leaves out of the registry what a script in a page never needs: an error that comes from the pool brings its sentence along. A fifth of the page script. */
export function shortErrors(): Plugin {
  return {
    name: "ipfs-accelerate:short-errors",
    enforce: "pre",
    transform(code, id) {
      if (!id.endsWith("/protocol/errors/registry.ts")) return undefined
      const kept = new Set<string>()
      const short = code.replace(ENTRY, (entry, name: string, start: string, end: string) => {
        if (SAID_IN_PAGE.has(name)) {
          kept.add(name)
          return entry
        }
        return NOT_FOR_PAGES.test(name) ? "" : `${name}${start}""${end}`
      })
      if (kept.size < SAID_IN_PAGE.size) throw new Error("the error registry is not written as this plugin expects")
      return { code: short, map: null }
    },
  }
}
