import type { Plugin } from "vite"

/** Codes that arise in the page itself. */
const SAID_IN_PAGE = new Set([
  "IPFA_INPUT_INVALID",
  "IPFA_INTERNAL",
  "IPFA_PROTOCOL_VERSION",
  "IPFA_PROTOCOL_MALFORMED",
  "IPFA_PROTOCOL_UNKNOWN_METHOD",
  "IPFA_PROTOCOL_TOO_LARGE",
  "IPFA_PROTOCOL_CLOSED",
  "IPFA_PROTOCOL_SLOW_READER",
  "IPFA_JOB_CANCELLED",
  "IPFA_JOB_DEADLINE",
  "IPFA_SESSION_UNKNOWN",
  "IPFA_EXTENSION_ABSENT",
  "IPFA_EXTENSION_UPDATED",
])

/** Leaves out the registry's sentences that a script in a page never needs: an error that comes from the pool brings its own along. A fifth of the page script. */
export function shortErrors(): Plugin {
  return {
    name: "ipfs-accelerate:short-errors",
    enforce: "pre",
    transform(code, id) {
      if (!id.endsWith("/protocol/errors/registry.ts")) return undefined
      let found = 0
      const short = code.replace(
        /(IPFA_\w+)(: entry\(\s*\d+,\s*)"(?:[^"\\]|\\.)*"/g,
        (entry, name: string, start: string) => {
          found++
          return SAID_IN_PAGE.has(name) ? entry : `${name}${start}""`
        },
      )
      if (found < SAID_IN_PAGE.size) throw new Error("the error registry is not written as this plugin expects")
      return { code: short, map: null }
    },
  }
}
