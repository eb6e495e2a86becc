import {
  type Message,
  type MessageOf,
  type Methods,
  type ParamsIn,
  Peer,
  type Port,
  type ResultOf,
  serialiseError,
} from "../../protocol/index.ts"

/** Lanes for those that come in crowds. */
export const NARROW_LANES = 2
/** Runs that found another under way before their model is opened in the narrow lanes too. */
const CROWD = 16
/** A larger model is not held several times, bytes; it has work enough for all threads at once. */
export const MOST_BYTES = 64 * 2 ** 20
/** What the narrow lanes hold together, bytes: the pool knows of the wide one's alone. */
const MOST_NARROW_BYTES = 512 * 2 ** 20

type OpenParams = ParamsIn<Methods["device.open"]>
type Opened = ResultOf<Methods["device.open"]>
type Probed = ResultOf<Methods["device.probe"]>
type Ran = ResultOf<Methods["device.run"]>
type RunParams = ParamsIn<Methods["device.run"]>

interface Model {
  params: OpenParams
  bytes: number
  /** Runs in a row that were not alone. */
  crowd: number
  /** Its handle in each narrow lane, once it is open there. */
  narrow?: Promise<string[] | undefined>
  handles?: string[] | undefined
}

/** Of a run that goes on for `stuckMs` after it was given up. */
interface Stuck {
  stuckMs: number
  onStuck(): void
}

interface Job {
  id: number
  handle: string
  /** Nobody waits for it. Where it has begun, the device goes on until it has ended, and its place is not free before. */
  isGiven: boolean
  /** Where it has not begun, it does not. */
  withdraw(): void
}

/** Runs that were sent to a host, which works them off in this order. */
interface Lane {
  jobs: Job[]
  timer?: NodeJS.Timeout | undefined
}

interface NarrowLane extends Lane {
  peer: Peer<unknown>
}

/**
 * A port to a host that computes alone with all threads (`wide`), and beside it two with half of them each (`openNarrow`): a run gets all threads where
 * it is alone, and half of them where others are under way, which together are done sooner. Sharing a run among threads costs: they wait for each other at
 * every node. What is kept on the device stays in the wide lane.
 */
export function lanes(wide: Port, openNarrow: () => Port, stuck: Stuck): Port {
  const models = new Map<string, Model>()
  const opening = new Map<number, OpenParams>()
  const probing = new Set<number>()
  const wideLane: Lane = { jobs: [] }
  let narrow: NarrowLane[] = []
  let narrowBytes = 0
  /** Of calls of its own to the wide lane, whose answers nobody above waits for. */
  let nextOwnId = 2 ** 48
  let deliver: (message: Message) => void = () => {}

  const openLane = (): NarrowLane => {
    const peer = new Peer<unknown>(openNarrow(), { role: "lanes", maxPendingBytes: Number.POSITIVE_INFINITY })
    return { peer, jobs: [] }
  }

  const watch = (lane: Lane) => {
    clearTimeout(lane.timer)
    lane.timer = lane.jobs[0]?.isGiven ? setTimeout(stuck.onStuck, stuck.stuckMs) : undefined
  }

  /** Whether somebody waits for it. */
  const ended = (lane: Lane, job: Job): boolean => {
    lane.jobs.splice(lane.jobs.indexOf(job), 1)
    watch(lane)
    return !job.isGiven
  }

  const close = (at: number, handle: string) =>
    void narrow[at]?.peer.call("device.close", { handle }).catch(() => undefined)

  /** In all narrow lanes or in none: the wide one has it. */
  const openTwins = async (model: Model): Promise<string[] | undefined> => {
    if (narrowBytes + NARROW_LANES * model.bytes > MOST_NARROW_BYTES) return undefined
    narrowBytes += NARROW_LANES * model.bytes
    if (narrow.length === 0) narrow = Array.from({ length: NARROW_LANES }, openLane)
    const opened = await Promise.allSettled(narrow.map(({ peer }) => peer.call("device.open", model.params)))
    const handles = opened.map((outcome) => (outcome.status === "fulfilled" ? outcome.value.handle : undefined))
    if (handles.every((handle) => handle !== undefined)) model.handles = handles
    else closeTwins(model, handles)
    return model.handles
  }

  const closeTwins = (model: Model, handles: readonly (string | undefined)[]) => {
    narrowBytes -= NARROW_LANES * model.bytes
    for (const [at, handle] of handles.entries()) if (handle !== undefined) close(at, handle)
  }

  const runNarrow = ({ id, params }: MessageOf<"call">): boolean => {
    const { handle, keep, feeds } = params as RunParams
    const model = models.get(handle)
    if (!model || model.bytes > MOST_BYTES || keep?.length || usesKept(feeds as Record<string, object>)) return false
    if ([wideLane, ...narrow].every(({ jobs }) => jobs.length === 0)) {
      model.crowd = 0
      return false
    }
    if (!model.handles) {
      if (++model.crowd >= CROWD) model.narrow ??= openTwins(model)
      return false
    }
    const at = narrow.reduce((best, { jobs }, i) => (jobs.length < narrow[best]!.jobs.length ? i : best), 0)
    const lane = narrow[at]!
    const withdrawn = new AbortController()
    const job: Job = { id, handle, isGiven: false, withdraw: () => withdrawn.abort() }
    lane.jobs.push(job)
    const settle = (message: Message) => ended(lane, job) && deliver(message)
    lane.peer
      .call("device.run", { ...(params as RunParams), handle: model.handles[at]! }, { signal: withdrawn.signal })
      .then(
        (value) => settle({ kind: "complete", id, value }),
        (error) => settle({ kind: "error", id, error: serialiseError(error) }),
      )
    return true
  }

  /** What has begun can't be interrupted, and is watched until it has ended. False where it is no run that is under way. */
  const giveUp = (id: number): boolean => {
    for (const lane of [wideLane, ...narrow]) {
      const job = lane.jobs.find((sent) => sent.id === id)
      if (!job) continue
      job.isGiven = true
      deliver({ kind: "cancelled", id })
      if (lane.jobs[0] === job) watch(lane)
      else job.withdraw()
      return true
    }
    return false
  }

  const noteCall = ({ id, method, params }: MessageOf<"call">) => {
    if (method === "device.probe") probing.add(id)
    else if (method === "device.open") opening.set(id, params as OpenParams)
    else if (method === "device.run")
      wideLane.jobs.push({
        id,
        handle: (params as RunParams).handle,
        isGiven: false,
        withdraw: () => wide.send({ kind: "cancel", id }),
      })
    else if (method === "device.close") {
      const { handle } = params as { handle: string }
      const model = models.get(handle)
      models.delete(handle)
      void model?.narrow?.then((handles) => handles && closeTwins(model, handles))
    }
  }

  /** What a run has kept that nobody waited for. */
  const release = ({ handle }: Job, { outputs }: Ran) => {
    const kept = Object.values(outputs).flatMap((tensor) => ("kept" in tensor ? [tensor.kept] : []))
    if (kept.length === 0) return
    wide.send({ kind: "call", id: nextOwnId++, method: "device.release", params: { handle, kept } })
  }

  /** False where nobody waits for it. */
  const noteAnswer = (message: Message): boolean => {
    if (message.kind !== "complete" && message.kind !== "error" && message.kind !== "cancelled") return true
    const { id } = message
    const job = wideLane.jobs.find((sent) => sent.id === id)
    if (job) {
      const isWanted = ended(wideLane, job)
      if (!isWanted && message.kind === "complete") release(job, message.value as Ran)
      return isWanted
    }
    if (probing.delete(id) && message.kind === "complete")
      for (const device of (message.value as Probed).devices) device.parallel = NARROW_LANES
    const params = opening.get(id)
    opening.delete(id)
    if (params && message.kind === "complete") {
      const { handle, memoryBytes: bytes } = message.value as Opened
      models.set(handle, { params, bytes, crowd: 0 })
    }
    return true
  }

  return {
    get pendingBytes() {
      return wide.pendingBytes
    },
    send(message, transfer) {
      if (message.kind === "call") {
        if (message.method === "device.run" && runNarrow(message)) return
        noteCall(message)
      } else if (message.kind === "cancel" && giveUp(message.id)) return
      wide.send(message, transfer)
    },
    start(receive, ended) {
      deliver = receive
      wide.start((message) => {
        if (noteAnswer(message as Message)) receive(message)
      }, ended)
    },
    close(reason) {
      for (const lane of [wideLane, ...narrow]) {
        lane.jobs = []
        watch(lane)
      }
      for (const { peer } of narrow) peer.close()
      wide.close(reason)
    },
  }
}

function usesKept(feeds: Record<string, object>): boolean {
  return Object.values(feeds).some((tensor) => "kept" in tensor)
}
