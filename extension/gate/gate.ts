import type { Caller } from "../../engine/caller.ts"
import { fail, type Grant, type GrantNeed, type HeldGrant, type MethodDefinition } from "../../protocol/index.ts"
import type { GrantStore } from "./grant-store.ts"
import { isGrantable } from "./origin.ts"
import type { Prompts } from "./prompts.ts"
import {
  allowsMethod,
  allowsModel,
  combine,
  covers,
  DEFAULT_LIMITS,
  forAlways,
  type GrantRequest,
  isLive,
  isShowable,
  makeGrant,
  type StoredGrant,
  showable,
  uploadDigest,
} from "./terms.ts"

/** The longest that a timer waits; a sleeping computer's clock goes on without it. */
const MAX_TIMER_MS = 3_600_000

export interface GateOptions {
  store: GrantStore
  prompts: Prompts
  /** Whether `origin` uploaded the model with that SHA-256; takes as long either way. */
  uploaded: (origin: string, sha256: string, isPrivate: boolean) => Promise<boolean>
  /** A name of this run of the browser: grants for a session end with it. */
  browserSession: string
  now?: () => number
  /** Who gets nothing and can't ask, whatever is granted: a site that is switched off, a private window. */
  bars?: (visitor: Pick<Visitor, "origin" | "isPrivate">) => boolean
  /** What the person lets all sites together take now, bytes: no grant gives more, nor says so. Default: what a grant gives. */
  most?: () => Pick<Grant["limits"], "storeBytes" | "memoryBytes">
  /** Called after each change of what is granted. */
  onChange?: () => void
}

/** Decides what each origin may do, by what a person granted it. */
export class Gate {
  readonly #options: GateOptions
  readonly #grants: Map<string, StoredGrant>
  readonly #visitors = new Set<Visitor>()
  #expiry: ReturnType<typeof setTimeout> | undefined

  private constructor(options: GateOptions, grants: StoredGrant[]) {
    this.#options = options
    this.#grants = new Map(grants.map((grant) => [grant.origin, grant]))
  }

  static async open(options: GateOptions): Promise<Gate> {
    const gate = new Gate(options, await options.store.all())
    for (const origin of gate.#grants.keys()) gate.#stored(origin)
    gate.#armExpiry()
    return gate
  }

  get #now(): number {
    return (this.#options.now ?? Date.now)()
  }

  /** One connection of a page; `origin`, and whether its window is private, are the browser's word. Its owner calls `leave` when the connection ends. */
  enter(origin: string, isPrivate = false): Visitor {
    const visitor: Visitor = new Visitor(origin, isPrivate, () => this.#held(visitor), this.#options.uploaded)
    this.#visitors.add(visitor)
    return visitor
  }

  leave(visitor: Visitor): void {
    const had = visitor.once !== undefined
    this.#visitors.delete(visitor)
    visitor.once = undefined
    // When it was last used outlives the supervisor.
    const stored = this.#stored(visitor.origin)
    if (stored) void this.#options.store.put(stored)
    if (had) this.#options.onChange?.()
  }

  /** Refuses a method that the visitor was not granted, with the same answer whatever it is and whatever is there. */
  authorise(method: Pick<MethodDefinition, "grant">, visitor: Visitor): void {
    const need: GrantNeed = method.grant
    if (need === "none") return
    const grant = this.#held(visitor)
    if (!grant || !allowsMethod(grant, need)) throw fail("IPFA_GRANT_REQUIRED")
    for (const used of this.#live(visitor)) used.usedAt = this.#now
  }

  /** Gives what is asked for: from a grant that covers it, else by asking the person. */
  async request(visitor: Visitor, request: GrantRequest, signal?: AbortSignal): Promise<Grant> {
    const { origin } = visitor
    if (!isGrantable(origin)) throw fail("IPFA_GRANT_ORIGIN")
    // Of why it is, a page learns nothing.
    if (this.#options.bars?.(visitor)) throw fail("IPFA_GRANT_DENIED")
    // What can't be given is not asked for: a page's jobs stay in this browser.
    if (request.capabilities.includes("fleet"))
      throw fail("IPFA_GRANT_DENIED", { message: "This version can't send a page's jobs to other browsers." })
    if (request.models?.some((model) => !isShowable(model)))
      throw fail("IPFA_GRANT_DENIED", { message: "A model's reference has no spaces and no control characters." })
    const held = this.#held(visitor)
    const lasting = this.#lasting(visitor)
    // What lasts longest first: the page is told how long it may go on.
    const enough = [forAlways(lasting), lasting, held].find((grant) => grant && covers(grant, request))
    if (enough) return this.#public(enough)
    const { prompts, browserSession, store, onChange } = this.#options
    const reason = showable(request.reason ?? "")
    const answer = await prompts.ask(
      {
        origin,
        ...combine(request, held),
        ...(reason && { reason }),
        ...(forAlways(lasting) && { hasAlways: true }),
        limits: this.#within(DEFAULT_LIMITS),
      },
      signal,
    )
    if (answer === "deny") throw fail("IPFA_GRANT_DENIED")
    // Of what was done in a private window nothing is kept.
    const lifetime = visitor.isPrivate ? "once" : answer
    const [now, stored] = [this.#now, this.#lasting(visitor)]
    const grant = makeGrant(origin, request, lifetime, { now, browserSession, held: this.#held(visitor), stored })
    if (lifetime === "once") visitor.once = grant
    else {
      // First: what is revoked while it is written is deleted after it.
      const before = this.#stored(origin)
      this.#grants.set(origin, grant)
      await store.put(grant).catch((error) => {
        // What is not kept is not granted; what was granted before is still kept.
        const isIts = this.#grants.get(origin) === grant
        if (isIts && before) this.#grants.set(origin, before)
        else if (isIts) this.#grants.delete(origin)
        throw error
      })
      // It is part of the new one, which it would outrank.
      visitor.once = undefined
    }
    this.#armExpiry()
    onChange?.()
    return this.#public(grant)
  }

  /** Whether anything is granted to `origin`, be it to one page of it alone. */
  holds(origin: string): boolean {
    if (this.#stored(origin)) return true
    for (const { origin: its, once } of this.#visitors) if (its === origin && once && this.#isLive(once)) return true
    return false
  }

  /** Every grant that holds, those for one page alone included. */
  list(): HeldGrant[] {
    const stored = [...this.#grants.keys()].map((origin) => this.#stored(origin))
    const once = [...this.#visitors].map((visitor) => visitor.once)
    return [...stored, ...stored.map((grant) => grant?.lasting), ...once]
      .filter((grant) => grant !== undefined)
      .map(({ browserSession, lasting, ...grant }) => grant)
  }

  /** Takes back all that `origin` holds; its running jobs end with IPFA_GRANT_REVOKED. Holds at once; resolves when it outlives the browser. */
  async revoke(origin: string): Promise<boolean> {
    let revoked = this.#grants.delete(origin)
    for (const visitor of this.#visitors) {
      if (visitor.origin !== origin) continue
      revoked ||= visitor.once !== undefined
      visitor.revoke("IPFA_GRANT_REVOKED")
    }
    try {
      await this.#options.store.delete(origin)
    } finally {
      if (revoked) this.#options.onChange?.()
    }
    return revoked
  }

  /** Ends the work of those who are barred by now. */
  endBarred(): void {
    for (const visitor of this.#visitors) if (this.#options.bars?.(visitor)) visitor.endWork("IPFA_GRANT_REVOKED")
  }

  /** Waits for the next grant that runs out. */
  #armExpiry(): void {
    clearTimeout(this.#expiry)
    const next = Math.min(...this.list().map(({ expiresAt }) => expiresAt ?? Number.POSITIVE_INFINITY))
    if (next === Number.POSITIVE_INFINITY) return
    this.#expiry = setTimeout(() => this.#expire(), Math.min(Math.max(next - this.#now, 0), MAX_TIMER_MS))
  }

  /** Ends the work that a grant which ran out allowed, with IPFA_GRANT_EXPIRED. */
  #expire(): void {
    for (const origin of this.#grants.keys()) this.#stored(origin)
    for (const visitor of this.#visitors)
      if (visitor.once && !this.#isLive(visitor.once)) visitor.revoke("IPFA_GRANT_EXPIRED")
    this.#options.onChange?.()
    this.#armExpiry()
  }

  #within(limits: Grant["limits"]): Grant["limits"] {
    const most = this.#options.most?.() ?? limits
    return {
      ...limits,
      storeBytes: Math.min(limits.storeBytes, most.storeBytes),
      memoryBytes: Math.min(limits.memoryBytes, most.memoryBytes),
    }
  }

  /** What a page is told of what it was granted. */
  #public({ origin, capabilities, models, expiresAt, lifetime, limits }: StoredGrant): Grant {
    const end = expiresAt !== undefined && { expiresAt }
    return { origin, capabilities, models, lifetime, limits: this.#within(limits), ...end }
  }

  #isLive(grant: StoredGrant): boolean {
    return isLive(grant, this.#now, this.#options.browserSession)
  }

  /** What the visitor holds now: its page's own grant and its origin's, taken together. */
  #held(visitor: Visitor): StoredGrant | undefined {
    if (this.#options.bars?.(visitor)) return undefined
    const [first, second] = this.#live(visitor)
    return first && second ? { ...first, ...combine(first, second) } : first
  }

  #live(visitor: Visitor): StoredGrant[] {
    const { once } = visitor
    const own = once && this.#isLive(once) ? once : undefined
    return [own, this.#lasting(visitor)].filter((grant) => grant !== undefined)
  }

  /** What the visitor's origin holds beyond its page: in a private window nothing that was granted elsewhere. */
  #lasting({ origin, isPrivate }: Visitor): StoredGrant | undefined {
    return isPrivate ? undefined : this.#stored(origin)
  }

  /** The origin's stored grant; one that has run out is dropped, down to what outlasts it. */
  #stored(origin: string): StoredGrant | undefined {
    const grant = this.#grants.get(origin)
    if (!grant || this.#isLive(grant)) return grant
    const left = grant.lasting && { ...grant.lasting, usedAt: grant.usedAt }
    if (left) {
      this.#grants.set(origin, left)
      // Where it can't be written, the next start finds the same.
      this.#options.store.put(left).catch(() => undefined)
    } else {
      this.#grants.delete(origin)
      void this.#options.store.delete(origin)
    }
    for (const visitor of this.#visitors) if (visitor.origin === origin) visitor.endWork("IPFA_GRANT_EXPIRED")
    return left
  }
}

type GrantEnd = "IPFA_GRANT_REVOKED" | "IPFA_GRANT_EXPIRED"

/** A page's connection. */
export class Visitor {
  readonly origin: string
  readonly isPrivate: boolean
  /** What was granted to this page alone. */
  once: StoredGrant | undefined
  readonly #held: () => StoredGrant | undefined
  readonly #uploaded: GateOptions["uploaded"]
  #revoked = new AbortController()

  constructor(
    origin: string,
    isPrivate: boolean,
    held: () => StoredGrant | undefined,
    uploaded: GateOptions["uploaded"],
  ) {
    this.origin = origin
    this.isPrivate = isPrivate
    this.#held = held
    this.#uploaded = uploaded
  }

  /** The visitor as the engine sees who calls, for as long as what it holds now is not taken back; what is granted later has a caller of its own. */
  caller(): Caller & { revoked: AbortSignal } {
    const held = this.#held
    return {
      origin: this.origin,
      isPrivate: this.isPrivate,
      revoked: this.#revoked.signal,
      get limits() {
        return held()?.limits
      },
      allowModel: (reference) => this.#allowModel(reference),
    }
  }

  /** What it was granted, and what its origin uploaded. Anything else, there or not, is refused alike. */
  async #allowModel(reference: string): Promise<void> {
    const grant = this.#held()
    if (grant && allowsModel(grant, reference)) return
    const sha256 = uploadDigest(reference)
    if (!grant || !sha256 || !(await this.#uploaded(this.origin, sha256, this.isPrivate)))
      throw fail("IPFA_GRANT_REQUIRED")
  }

  /** Takes what was granted to this page alone, and ends what runs. */
  revoke(code: GrantEnd): void {
    this.once = undefined
    this.endWork(code)
  }

  /** Ends what runs; what the page still holds stays. */
  endWork(code: GrantEnd): void {
    const ended = this.#revoked
    this.#revoked = new AbortController()
    ended.abort(fail(code))
  }
}
