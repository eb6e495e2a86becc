import { createHmac } from "node:crypto"
import type { IncomingHttpHeaders } from "node:http"
import { fail, isExtensionOrigin } from "../../protocol/index.ts"
import { addressesOf, hostForms, type Listening, ownOrigins } from "../access/addresses.ts"
import type { AgentTokens } from "../access/agent-tokens.ts"
import { hashToken, presentedToken, tokenMatches } from "../access/token.ts"
import type { BridgeCaller } from "../fleet/caller.ts"

/** What needs no token: that the bridge is there, its proof, and the static shells of the documentation, the worker page and the dashboard. None of it carries data. */
const OPEN = ["/healthz", "/v1/proof", "/docs", "/worker", "/dashboard"]
const OPEN_BELOW = ["/docs/", "/worker/", "/dashboard/"]
/** Where extensions may connect, and where who is not paired yet may, to pair. */
const PAIRING_PATH = "/agent"
/** All that a token opens which was had by pairing: those who compute need not call, and those who look on need not compute. */
const DOORS = { agent: "/agent", dashboard: "/client" } as const

export interface Knock {
  /** The pattern of the route that matched; undefined where none did. Not the path, whose spelling has a thousand forms. */
  route: string | undefined
  headers: IncomingHttpHeaders
  remoteAddress: string
  upgrade: boolean
}

/** Who may come in: decided by Host, Origin and token alone, before any route is looked at. */
export class Guard {
  readonly #agents: AgentTokens
  readonly #ownerHash: Buffer
  #hosts: ReadonlySet<string> = new Set()
  #origins: ReadonlySet<string> = new Set()
  #addresses: readonly string[] = []

  constructor(ownerToken: string, agents: AgentTokens) {
    this.#ownerHash = hashToken(ownerToken)
    this.#agents = agents
  }

  /** Stands in for the hash of a token that was never given out; the same for the same name. */
  decoyHash(name: string): Buffer {
    return createHmac("sha256", this.#ownerHash).update(`decoy\n${name}`).digest()
  }

  get ownerHash(): Buffer {
    return this.#ownerHash
  }

  /** Tells it where the bridge listens. Until then nobody comes in. */
  listening(at: Listening): void {
    this.#hosts = hostForms(at)
    this.#origins = ownOrigins(this.#hosts, at.tls)
    this.#addresses = addressesOf(at)
  }

  /** Where browsers call the bridge, the best first. */
  get addresses(): readonly string[] {
    return this.#addresses
  }

  /** The caller, or undefined for what is open to all. Throws IPFA_BRIDGE_HOST, _ORIGIN, _TOKEN. */
  admit({ route, headers, remoteAddress, upgrade }: Knock): BridgeCaller | undefined {
    const { origin } = headers
    if (!this.#hosts.has((headers.host ?? "").toLowerCase())) throw fail("IPFA_BRIDGE_HOST")
    const pairing = upgrade && route === PAIRING_PATH
    if (origin !== undefined && !this.#originMay(origin, pairing)) throw fail("IPFA_BRIDGE_ORIGIN")
    const seen = { address: remoteAddress, ...(origin !== undefined && { webOrigin: origin }) }
    const token = presentedToken(headers)
    if (token !== undefined) {
      if (tokenMatches(token, this.#ownerHash)) return { origin: "owner", role: "owner", ...seen }
      const paired = this.#agents.find(token, origin)
      if (!paired) throw fail("IPFA_BRIDGE_TOKEN")
      const { agent, role = "agent" } = paired
      if (route !== DOORS[role])
        throw fail("IPFA_GRANT_REQUIRED", {
          message: `That needs the bridge-server's own token. This one is for ${DOORS[role]} alone.`,
        })
      return { origin: `${role}:${agent}`, role, agent, ...seen }
    }
    if (isOpen(route) && !upgrade) return undefined
    // With a code to trade, and nothing else, an extension, a page of ours or a program may come in without.
    if (pairing) return { origin: "unpaired", role: "unpaired", ...seen }
    throw fail("IPFA_BRIDGE_TOKEN")
  }

  #originMay(origin: string, pairing: boolean): boolean {
    if (this.#origins.has(origin)) return true
    return pairing && isExtensionOrigin(origin)
  }
}

function isOpen(route: string | undefined): boolean {
  return route !== undefined && (OPEN.includes(route) || OPEN_BELOW.some((folder) => route.startsWith(folder)))
}
