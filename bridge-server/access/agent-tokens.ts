import { randomBytes } from "node:crypto"
import { type CodeUse, fail } from "../../protocol/index.ts"
import { type FileStep, VersionedFile } from "../versioned-file.ts"
import { hashToken, tokenMatches } from "./token.ts"

/** What is kept of a paired agent, or of a dashboard: the token only as its hash. */
export interface PairedAgent {
  agent: string
  /** What its token is good for; absent for an agent. */
  role?: "dashboard"
  hash: string
  /** The extension's origin it was paired from; its token is worth nothing from another. Absent for an agent that is no browser. */
  origin?: string
  label?: string
  /** ms since 1970 */
  pairedAt: number
}

/** From version 0, the list alone, on. */
const steps: readonly FileStep[] = [(agents) => ({ agents })]

/** The agents and dashboards that were paired, in `agents.json` of the data folder. */
export class AgentTokens {
  readonly #file: VersionedFile<{ agents: PairedAgent[] }>
  readonly #onRevoked: ((agent: string) => void)[] = []
  #agents: PairedAgent[]

  /** Throws IPFA_STORE_NEWER. */
  constructor(file: string) {
    this.#file = new VersionedFile(file, steps)
    this.#agents = this.#file.read()?.agents ?? []
  }

  /** Makes a token for `agent`. An id that is paired already can be paired anew from the same origin only. */
  issue(agent: string, use: CodeUse, { origin, label }: Pick<PairedAgent, "origin" | "label">): string {
    const known = this.#agents.find((a) => a.agent === agent)
    if (known && (known.origin !== origin || (known.role ?? "agent") !== use))
      throw fail("IPFA_BRIDGE_PAIRING", { message: "An agent of that name was paired from elsewhere." })
    const token = randomBytes(32).toString("base64url")
    const paired: PairedAgent = { agent, hash: hashToken(token).toString("hex"), pairedAt: Date.now() }
    if (use === "dashboard") paired.role = use
    if (origin !== undefined) paired.origin = origin
    if (label !== undefined) paired.label = label
    this.#agents = [...this.#agents.filter((a) => a.agent !== agent), paired]
    this.#write()
    if (known) for (const tell of this.#onRevoked) tell(agent)
    return token
  }

  /** Who `token` belongs to, where it comes from the origin that it was given to: a browser says its origin, a program has none. */
  find(token: string, origin: string | undefined): PairedAgent | undefined {
    const found = this.#agents.filter(({ hash }) => tokenMatches(token, Buffer.from(hash, "hex")))[0]
    return found?.origin === origin ? found : undefined
  }

  hashOf(agent: string): Buffer | undefined {
    const known = this.#agents.find((a) => a.agent === agent)
    return known && Buffer.from(known.hash, "hex")
  }

  revoke(agent: string): boolean {
    const before = this.#agents.length
    this.#agents = this.#agents.filter((a) => a.agent !== agent)
    if (this.#agents.length === before) return false
    this.#write()
    for (const tell of this.#onRevoked) tell(agent)
    return true
  }

  /** Calls `listener` with each agent whose token is taken back, or replaced by a new one. */
  onRevoked(listener: (agent: string) => void): void {
    this.#onRevoked.push(listener)
  }

  list(): Omit<PairedAgent, "hash">[] {
    return this.#agents.map(({ hash, ...rest }) => rest)
  }

  #write(): void {
    this.#file.write({ agents: this.#agents })
  }
}
