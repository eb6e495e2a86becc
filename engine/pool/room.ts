import { isIdle } from "./eviction.ts"
import { keptOn, type Lease, takeBackKept } from "./lease.ts"
import type { Leases } from "./leases.ts"
import type { Loaded } from "./loaded.ts"
import type { PoolSettings } from "./options.ts"
import type { Sessions } from "./sessions.ts"
import { type Held, type Holding, heldBytes, toTakeBack } from "./take-back.ts"

/** What a session keeps, or an origin has under way. */
interface Share extends Holding {
  readonly loaded: Loaded
  readonly lease?: Lease
}

interface HeldModel extends Held<Share> {
  readonly loaded: Loaded
  readonly holdings: Share[]
}

export interface Wish {
  origin: string
  neededBytes: number
  /** What the room is for, where it is loaded: it stays. */
  besides?: Loaded
  /** What is to be waited for before each attempt. */
  before?(): Promise<void>
}

interface Claim {
  readonly origin: string
  readonly neededBytes: number
  readonly besides: Loaded | undefined
  /** What its origin would hold. */
  readonly afterBytes: number
}

/** Room for what does not fit beside what is in use: `toTakeBack` says who gives way for whom. */
export class Room {
  readonly #settings: PoolSettings
  readonly #sessions: Sessions
  readonly #leases: Leases

  constructor(settings: PoolSettings, sessions: Sessions, leases: Leases) {
    this.#settings = settings
    this.#sessions = sessions
    this.#leases = leases
  }

  /** Whether `neededBytes` could be had for `origin`. */
  canHave(origin: string, neededBytes: number): boolean {
    return this.#plan(this.#claim(origin, neededBytes)) !== undefined
  }

  /**
   * Resolves when `attempt` succeeded, which takes the room at once or throws IPFA_DEVICE_MEMORY. Kept tensors are taken back at once; what
   * is being opened is waited for; what runs is unloaded on its host's next turn, for which a run that does not end is ended as for any
   * other turn. The jobs that wait for such a model have it opened anew, where there is room. Rejects with what `attempt` threw where
   * there is not enough to take back, or it took longer than an opening may.
   */
  async make({ origin, neededBytes, besides, before }: Wish, attempt: () => void): Promise<void> {
    const claim = this.#claim(origin, neededBytes, besides)
    const until = performance.now() + this.#settings.limits.openMs
    for (;;) {
      await before?.()
      try {
        return attempt()
      } catch (error) {
        const busy = performance.now() < until && this.#takeBack(claim)
        if (!busy) throw error
        if (busy[0] && (await this.#untilFree(busy[0], claim, attempt))) return
      }
    }
  }

  /**
   * For `origin`, `loaded` takes more than was set aside for it. Throws IPFA_DEVICE_MEMORY where `origin` has no right to that; where others
   * have to give way, they do so afterwards, since it is there already.
   */
  grown(loaded: Loaded, origin: string): void {
    const makeRoom = () => this.#sessions.makeRoom(0, loaded)
    try {
      makeRoom()
    } catch (error) {
      if (!this.#plan(this.#claim(origin, 0, loaded))) throw error
      void this.make({ origin, neededBytes: 0, besides: loaded }, makeRoom).catch(() => undefined)
    }
  }

  #claim(origin: string, neededBytes: number, besides?: Loaded): Claim {
    return { origin, neededBytes, besides, afterBytes: heldBytes(this.#held(), origin) + neededBytes }
  }

  /** What has to be taken back; undefined where it is not enough. */
  #plan(claim: Claim): { kept: Share[]; models: Loaded[] } | undefined {
    const held = this.#held()
    const taken = toTakeBack(held, this.#sessions.shortBytes(claim.neededBytes, claim.besides), claim)
    if (!taken) return undefined
    const models = held.filter(({ holdings }) => holdings.every((share) => taken.has(share)))
    return { kept: [...taken].filter(({ lease }) => lease), models: models.map(({ loaded }) => loaded) }
  }

  /** Takes kept tensors back. The models that are still in use then and have to be free; undefined where there is not enough to take. */
  #takeBack(claim: Claim): Loaded[] | undefined {
    const plan = this.#plan(claim)
    if (!plan) return undefined
    for (const { lease, loaded } of plan.kept) takeBackKept(lease!, loaded)
    const busy = plan.models.filter((loaded) => !isIdle(loaded))
    return plan.kept.length + busy.length > 0 ? busy : undefined
  }

  /** Waits for `loaded` to be opened, or unloads it between two runs and makes the attempt at once. Whether that succeeded. */
  async #untilFree(loaded: Loaded, claim: Claim, attempt: () => void): Promise<boolean> {
    if (loaded.opening) {
      await loaded.opening.catch(() => undefined)
      return false
    }
    const { turnMs } = this.#settings.limits
    const turns = this.#sessions.turnsOf(loaded.host)
    const turn = { origin: claim.origin, isTrial: false, expectedMs: 1, turnMs, mayLeave: () => false }
    const unload = async () => {
      // Much may have changed meanwhile.
      if (loaded.opening || !this.#takeBack(claim)?.includes(loaded)) return false
      this.#sessions.unload(loaded)
      try {
        attempt()
        return true
      } catch {
        return false
      } finally {
        turns.wantAll()
      }
    }
    return await turns.open(turn, unload).catch((error) => {
      // Lost with its host it is free, too.
      if (loaded.residence) throw error
      return false
    })
  }

  /** All that can't simply be unloaded. */
  #held(): HeldModel[] {
    const all = new Map<Loaded, HeldModel>()
    const add = (share: Share) => {
      const model = all.get(share.loaded) ?? { loaded: share.loaded, modelBytes: share.loaded.modelBytes, holdings: [] }
      model.holdings.push(share)
      all.set(share.loaded, model)
    }
    for (const loaded of this.#sessions) {
      if (loaded.isTrial || loaded.modelBytes === 0) continue
      const { lastUsedAt } = loaded
      const origins = new Set([...loaded.jobs].map((job) => job.lease.caller.origin))
      if (loaded.opening) origins.add(loaded.openedBy!)
      for (const origin of origins) add({ origin, loaded, lastUsedAt, keptBytes: 0 })
    }
    for (const lease of this.#leases.all()) {
      const { origin } = lease.caller
      for (const [loaded, keptBytes] of keptOn(lease))
        add({ origin, loaded, lastUsedAt: lease.lastUsedAt, keptBytes, lease })
    }
    return [...all.values()]
  }
}
