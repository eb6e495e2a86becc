import { fail } from "../../protocol/index.ts"
import type { ModelOwner } from "../model-source.ts"
import type { ByteStore, Link, LinkStore, StoredBytes } from "./byte-store.ts"

/** How long a model that was acquired stays safe from eviction if its bytes are not read: a process that was given the file opens it meanwhile. */
const LEASE_MS = 15_000

/** Room that something on its way into the store has been promised. */
export interface Ticket {
  owner: ModelOwner
  bytes: number
}

/** Keeps the store within its quota and each owner within theirs, by removing what was used least recently. */
export class Room {
  /** May be changed; `shrink` then. */
  quotaBytes: number
  readonly #store: ByteStore
  readonly #links: LinkStore
  readonly #keepsFor: (owner: string) => boolean
  readonly #tickets = new Set<Ticket>()
  readonly #leases = new Map<string, { users: number; until: number }>()
  /** One at a time: each decision counts on what the one before removed. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(store: ByteStore, links: LinkStore, quotaBytes: number, keepsFor: (owner: string) => boolean) {
    this.#store = store
    this.#links = links
    this.quotaBytes = quotaBytes
    this.#keepsFor = keepsFor
  }

  /** Not removed to make room: it can't be had again, and its owner may still ask for it. */
  isPinned({ pinned, owner }: Link): boolean {
    return pinned && (owner === undefined || this.#keepsFor(owner))
  }

  ticket(owner: ModelOwner): Ticket {
    const ticket = { owner, bytes: 0 }
    this.#tickets.add(ticket)
    return ticket
  }

  release(ticket: Ticket): void {
    this.#tickets.delete(ticket)
  }

  /** Keeps a model until all who came for it have called what they were given, or the last has had its time. */
  lease(sha256: string): () => void {
    const known = this.#leases.get(sha256)
    const lease = known && known.until > Date.now() ? known : { users: 0, until: 0 }
    lease.users++
    lease.until = Date.now() + LEASE_MS
    this.#leases.set(sha256, lease)
    let isHeld = true
    return () => {
      if (isHeld) lease.users--
      isHeld = false
      if (lease.users === 0 && this.#leases.get(sha256) === lease) this.#leases.delete(sha256)
    }
  }

  /** Makes sure that `ticket` may grow to `bytes`, `written` of which are there already. Throws IPFA_STORE_QUOTA, and then nothing was removed. */
  reserve(ticket: Ticket, bytes: number, written: number): Promise<void> {
    if (bytes <= ticket.bytes) return Promise.resolve()
    const turn = this.#last.then(() => this.#reserve(ticket, bytes, written))
    this.#last = turn.catch(() => {})
    return turn
  }

  /** Removes what may be until the store is within its quota. */
  shrink(): Promise<void> {
    const turn = this.#last.then(() => this.#shrink())
    this.#last = turn.catch(() => {})
    return turn
  }

  async #shrink(): Promise<void> {
    const [stored, links, abandoned] = await Promise.all([
      this.#store.list(),
      this.#links.load(),
      this.#store.abandoned(),
    ])
    let excess = sum(stored) + sum(abandoned) - this.quotaBytes
    for (const { id, bytes } of abandoned) {
      if (excess <= 0) return
      await this.#store.deletePartial(id)
      excess -= bytes
    }
    for (const { sha256, bytes } of this.#removable(stored, links)) {
      if (excess <= 0) return
      if (await this.#remove(sha256, links)) excess -= bytes
    }
  }

  async #reserve(ticket: Ticket, bytes: number, written: number): Promise<void> {
    const [stored, links, abandoned, platform] = await Promise.all([
      this.#store.list(),
      this.#links.load(),
      this.#store.abandoned(),
      this.#store.room?.(),
    ])
    const removable = this.#removable(stored, links)
    const others = [...this.#tickets].filter((other) => other !== ticket)

    const { owner, storeBytes = Number.POSITIVE_INFINITY } = ticket.owner
    const charged = new Set(links.filter((link) => link.chargedTo === owner).map((link) => link.sha256))
    const inFlight = sum(others.filter((other) => other.owner.owner === owner))
    let ownerFree = storeBytes - inFlight - sum(stored.filter((blob) => charged.has(blob.sha256)))

    let free = this.quotaBytes - sum(stored) - sum(abandoned) - sum(others)
    let platformFree = platform ?? Number.POSITIVE_INFINITY
    const enough = () => free >= bytes && platformFree >= bytes - written
    const count = (gone: { bytes: number }) => {
      free += gone.bytes
      platformFree += gone.bytes
    }

    const leave = new Set<StoredBytes>()
    for (const blob of removable) {
      if (ownerFree >= bytes) break
      if (!charged.has(blob.sha256)) continue
      leave.add(blob)
      ownerFree += blob.bytes
      count(blob)
    }
    const drop: string[] = []
    for (const partial of abandoned.sort((a, b) => a.usedAt - b.usedAt)) {
      if (enough()) break
      drop.push(partial.id)
      count(partial)
    }
    for (const blob of removable) {
      if (enough()) break
      if (leave.has(blob)) continue
      leave.add(blob)
      count(blob)
    }
    if (!enough() || ownerFree < bytes)
      throw fail("IPFA_STORE_QUOTA", {
        data: {
          bytes,
          quotaBytes: this.quotaBytes,
          // Of others' use an owner learns nothing.
          ...(ownerFree < bytes && { ownerBytes: storeBytes }),
        },
      })
    for (const id of drop) await this.#store.deletePartial(id)
    for (const { sha256 } of leave) await this.#remove(sha256, links)
    ticket.bytes = bytes
  }

  /** False where somebody has just come for it. */
  async #remove(sha256: string, links: Link[]): Promise<boolean> {
    if (this.#leases.has(sha256)) return false
    await this.#store.delete(sha256)
    // Should another bring the same bytes later, whoever had uploaded them would learn of it by asking for them.
    for (const link of links) if (link.sha256 === sha256 && link.kind === "upload") await this.#links.remove(link.id)
    return true
  }

  /** What may be removed, least recently used first. */
  #removable(stored: StoredBytes[], links: Link[]): StoredBytes[] {
    const pinned = new Set(links.filter((link) => this.isPinned(link)).map((link) => link.sha256))
    const now = Date.now()
    for (const [sha256, { until }] of this.#leases) if (until < now) this.#leases.delete(sha256)
    return stored
      .filter(({ sha256 }) => !pinned.has(sha256) && !this.#leases.has(sha256))
      .sort((a, b) => a.usedAt - b.usedAt)
  }
}

function sum(list: Iterable<{ bytes: number }>): number {
  let total = 0
  for (const { bytes } of list) total += bytes
  return total
}
