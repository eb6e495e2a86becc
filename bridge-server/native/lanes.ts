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
const MOST_BYTES = 64 * 2 ** 20

type OpenParams = ParamsIn<Methods["device.open"]>
type Opened = ResultOf<Methods["device.open"]>
type Probed = ResultOf<Methods["device.probe"]>
type RunParams = ParamsIn<Methods["device.run"]>

interface Model {
  params: OpenParams
  /** It may be opened several times. */
  isSmall: boolean
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
  /** Nobody waits for it; the device goes on until it has ended, and its place is not free before. */
  isGiven: boolean
}

interface Lane {
  peer: Peer<unknown>
  /** Sent to it, which it works off in this order. */
  jobs: Job[]
  timer?: NodeJS.Timeout | undefined
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
  const inWide = new Set<number>()
  let narrow: Lane[] = []
  let deliver: (message: Message) => void = () => {}

  const openLane = (): Lane => {
    const peer = new Peer<unknown>(openNarrow(), { role: "lanes", maxPendingBytes: Number.POSITIVE_INFINITY })
    return { peer, jobs: [] }
  }

  const watch = (lane: Lane) => {
    clearTimeout(lane.timer)
    lane.timer = lane.jobs[0]?.isGiven ? setTimeout(stuck.onStuck, stuck.stuckMs) : undefined
  }

  const close = (at: number, handle: string) =>
    void narrow[at]?.peer.call("device.close", { handle }).catch(() => undefined)

  /** In all narrow lanes or in none: the wide one has it. */
  const openTwins = async (model: Model): Promise<string[] | undefined> => {
    if (narrow.length === 0) narrow = Array.from({ length: NARROW_LANES }, openLane)
    const opened = await Promise.allSettled(narrow.map(({ peer }) => peer.call("device.open", model.params)))
    const handles = opened.map((outcome) => (outcome.status === "fulfilled" ? outcome.value.handle : undefined))
    if (handles.every((handle) => handle !== undefined)) model.handles = handles
    else for (const [at, handle] of handles.entries()) if (handle !== undefined) close(at, handle)
    return model.handles
  }

  const closeTwins = async ({ narrow: twins }: Model) => {
    for (const [at, handle] of ((await twins) ?? []).entries()) close(at, handle)
  }

  const runNarrow = ({ id, params }: MessageOf<"call">): boolean => {
    const { handle, keep, feeds } = params as RunParams
    const model = models.get(handle)
    if (
      !model?.isSmall ||
      keep?.length ||
      Object.values(feeds as Record<string, object>).some((tensor) => "kept" in tensor)
    )
      return false
    if (inWide.size === 0 && narrow.every(({ jobs }) => jobs.length === 0)) {
      model.crowd = 0
      return false
    }
    if (!model.handles) {
      if (++model.crowd >= CROWD) model.narrow ??= openTwins(model)
      return false
    }
    const at = narrow.reduce((best, { jobs }, i) => (jobs.length < narrow[best]!.jobs.length ? i : best), 0)
    const lane = narrow[at]!
    const job: Job = { id, isGiven: false }
    lane.jobs.push(job)
    const settle = (message: Message) => {
      lane.jobs.splice(lane.jobs.indexOf(job), 1)
      watch(lane)
      if (!job.isGiven) deliver(message)
    }
    lane.peer.call("device.run", { ...(params as RunParams), handle: model.handles[at]! }).then(
      (value) => settle({ kind: "complete", id, value }),
      (error) => settle({ kind: "error", id, error: serialiseError(error) }),
    )
    return true
  }

  /** False where it is not in a narrow lane. */
  const giveUp = (id: number): boolean => {
    for (const lane of narrow) {
      const job = lane.jobs.find((sent) => sent.id === id)
      if (!job) continue
      job.isGiven = true
      if (lane.jobs[0] === job) watch(lane)
      deliver({ kind: "cancelled", id })
      return true
    }
    return false
  }

  const noteCall = ({ id, method, params }: MessageOf<"call">) => {
    if (method === "device.probe") probing.add(id)
    else if (method === "device.open") opening.set(id, params as OpenParams)
    else if (method === "device.run") inWide.add(id)
    else if (method === "device.close") {
      const { handle } = params as { handle: string }
      const model = models.get(handle)
      models.delete(handle)
      if (model) void closeTwins(model)
    }
  }

  const noteAnswer = (message: Message) => {
    if (message.kind !== "complete" && message.kind !== "error" && message.kind !== "cancelled") return
    inWide.delete(message.id)
    if (probing.delete(message.id) && message.kind === "complete")
      for (const device of (message.value as Probed).devices) device.parallel = NARROW_LANES
    const params = opening.get(message.id)
    opening.delete(message.id)
    if (!params || message.kind !== "complete") return
    const { handle, memoryBytes } = message.value as Opened
    models.set(handle, { params, isSmall: memoryBytes <= MOST_BYTES, crowd: 0 })
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
        noteAnswer(message as Message)
        receive(message)
      }, ended)
    },
    close(reason) {
      for (const lane of narrow.splice(0)) {
        lane.jobs = []
        watch(lane)
        lane.peer.close()
      }
      wide.close(reason)
    },
  }
}
