import { type Fallback, fail, type KeptTensor, type Tensor } from "../../protocol/index.ts"
import type { Caller } from "../caller.ts"
import type { Job } from "./job.ts"
import type { Loaded } from "./loaded.ts"
import type { Model } from "./models.ts"

/** A tensor that a run left on the device, as its owner's connection knows it. */
export interface Kept {
  /** As the host knows it. */
  readonly hostId: string
  readonly tensor: KeptTensor
  readonly bytes: number
  readonly loaded: Loaded
  /** The host's; `TAKEN_BACK` where others needed its memory. */
  readonly life: number
}

/** No host has such a life. */
const TAKEN_BACK = -1

/** What happened for one connection. */
export interface Activity {
  running: number
  waiting: number
  done: number
  failed: number
}

/** One caller's right to run one loaded model. */
export interface Lease {
  readonly sessionId: string
  readonly caller: Caller
  readonly activity: Activity
  readonly reference: string
  readonly model: Model
  /** Where it was opened. */
  readonly home: Loaded
  /** The caller named the device: no other will do. */
  readonly forced: boolean
  /** Where it runs now. */
  loaded: Loaded
  /** Set while `loaded` is not `home`. */
  movedFrom: Fallback | undefined
  /** `home` was lost, and is gone back to when it is there again. */
  returns: boolean
  moving: Promise<void> | undefined
  readonly kept: Map<string, Kept>
  readonly jobs: Set<Job>
  /** By performance.now(): when it was opened, or its last job ended. */
  lastUsedAt: number
  closed: boolean
}

type Feeds = Record<string, Tensor | KeptTensor>

export function usesKept(feeds: Feeds): boolean {
  for (const name in feeds) if ("kept" in feeds[name]!) return true
  return false
}

/** `feeds` with kept tensors by the host's ids, and with the dtype and shape they really have. IPFA_SESSION_KEPT where one is gone. */
export function hostFeeds(lease: Lease, loaded: Loaded, feeds: Feeds): Feeds {
  const out: Feeds = {}
  for (const [name, tensor] of Object.entries(feeds)) {
    if (!("kept" in tensor)) {
      out[name] = tensor
      continue
    }
    const kept = lease.kept.get(tensor.kept)
    const isThere = kept && kept.loaded === loaded && kept.life === loaded.host.life
    if (!isThere) {
      if (kept) lease.kept.delete(tensor.kept)
      throw fail("IPFA_SESSION_KEPT", {
        data: { path: `feeds.${name}`, reason: whyGone(kept) },
      })
    }
    out[name] = { dtype: kept.tensor.dtype, shape: kept.tensor.shape, kept: kept.hostId }
  }
  return out
}

function whyGone(kept: Kept | undefined): string {
  if (!kept) return "no such id in this session"
  return kept.life === TAKEN_BACK ? "others needed its memory" : "its device was lost"
}

/** Bytes of the tensors it keeps, those that are gone aside. */
export function keptBytes(lease: Lease): number {
  let sum = 0
  for (const bytes of keptOn(lease).values()) sum += bytes
  return sum
}

/** Where it keeps tensors that are not gone, and their bytes. */
export function keptOn(lease: Lease): Map<Loaded, number> {
  const by = new Map<Loaded, number>()
  for (const { bytes, life, loaded } of lease.kept.values())
    if (loaded.residence?.life === life) by.set(loaded, (by.get(loaded) ?? 0) + bytes)
  return by
}

/** Frees the kept tensors `ids`, or all; those that are gone already don't matter. */
export function releaseKept(lease: Lease, ids: Iterable<string> = lease.kept.keys()): void {
  const byLoaded = new Map<Loaded, string[]>()
  for (const id of [...ids]) {
    const kept = lease.kept.get(id)
    if (!kept) continue
    lease.kept.delete(id)
    const { residence } = kept.loaded
    if (residence?.life !== kept.life) continue
    residence.keptTensors--
    residence.keptBytes -= kept.bytes
    byLoaded.set(kept.loaded, [...(byLoaded.get(kept.loaded) ?? []), kept.hostId])
  }
  for (const [loaded, kept] of byLoaded)
    loaded.host.call("device.release", { handle: loaded.residence!.handle, kept }).catch(() => undefined)
}

/** Frees what it keeps on `loaded`, whose memory others need. */
export function takeBackKept(lease: Lease, loaded: Loaded): void {
  const there = [...lease.kept].filter(([, kept]) => kept.loaded === loaded && kept.life === loaded.residence?.life)
  releaseKept(
    lease,
    there.map(([id]) => id),
  )
  for (const [id, kept] of there) lease.kept.set(id, { ...kept, life: TAKEN_BACK })
}
