import { type AccelerateError, asAccelerateError, fail, type Methods, type ResultOf } from "../../protocol/index.ts"
import { type QueueEntry, Turns } from "../../scheduler/index.ts"
import type { Host } from "./host.ts"
import type { Job } from "./job.ts"
import { hostFeeds } from "./lease.ts"
import type { Loaded } from "./loaded.ts"
import { Opening, type OpenTurn } from "./opening.ts"
import type { PoolLimits } from "./options.ts"
import { type Timer, upkeepTimer } from "./timer.ts"

export type HostResult = ResultOf<Methods["device.run"]>
/** What has its turn on a host. */
export type Turn = Job | Opening

/** What a lane asks of those around it. */
export interface LaneOwner {
  readonly limits: PoolLimits
  /** Its caller may have one more running. */
  mayRun(job: Job): boolean
  expectedMs(job: Job): number
  /** How long the host rests after it worked for `ranMs`, so that it works no more than its share of the time. */
  restMs(host: Host, ranMs: number): number
  /** The job was sent to the host, or is no longer there. */
  started(job: Job): void
  stopped(job: Job): void
  done(job: Job, result: HostResult): void
  failed(job: Job, error: AccelerateError): void
  /** Nobody waits for this result any more. */
  discard(job: Job, result: HostResult): void
  /** Has the job's model opened on the host. */
  open(job: Job): Promise<void>
  /** It can't run here: elsewhere, then, or not at all. */
  stranded(job: Job, error: AccelerateError): void
  /** A GPU was lost under a turn of `origin`'s, or `origin` kept the others from a host. */
  blame(origin: string, backend: string): void
  /** Another device could take it. */
  canMove(job: Job): boolean
}

/** A GPU's worker is not ended as soon as another: its end may take the GPU from the whole browser. */
const GPU_TURNS = 10

/** The turns of one host: those that wait, fairly, and the few that it has. */
export class Lane {
  readonly host: Host
  readonly #owner: LaneOwner
  readonly #turns: Turns<Turn>
  /** Sent to the host, which works in this order: all but the first wait there. */
  readonly #sent: Turn[] = []
  /** Cancelled or late, but the host is still at it: the only sign of its end is the host's answer. */
  readonly #stuck = new Map<Job, Timer>()
  #watch: Timer | undefined
  #patience: Timer | undefined
  #held: Timer | undefined
  #rest: ReturnType<typeof setTimeout> | undefined
  /** The first turn, while it keeps others waiting, and how long it may still. */
  #kept: { first: Turn; timer: Timer } | undefined
  /** The first turn has taken so long that who can goes elsewhere meanwhile. */
  isHeldUp = false
  /** Whose turn the host is being ended for. */
  #overranBy: string | undefined

  constructor(host: Host, owner: LaneOwner) {
    this.host = host
    this.#owner = owner
    this.#turns = new Turns({ depth: owner.limits.depth, capacity: owner.limits.queued })
    host.listener = { lost: () => this.#lost(), ready: () => this.#ready(), down: () => this.#down() }
  }

  get running(): number {
    return this.#sent.length
  }

  get waiting(): number {
    return this.#turns.waiting
  }

  isBusy(device: string): boolean {
    return this.#sent.some((turn) => !(turn instanceof Opening) && turn.loaded.device === device)
  }

  submit(job: Job): void {
    if (this.host.state === "down" || this.host.state === "closed")
      return this.#owner.stranded(job, this.host.unavailable())
    if (this.isHeldUp && this.#mayLeave(job)) return this.#owner.stranded(job, this.#heldUp())
    this.#enqueue(job, job.priority)
  }

  /** `work` opens a model when its turn comes. */
  open<T>(turn: OpenTurn, work: () => Promise<T>): Promise<T> {
    const { origin, isTrial, expectedMs } = turn
    return new Promise((resolve, reject) => {
      const opening = new Opening(turn, () => work().then(resolve, reject), reject)
      // Its origin's jobs may wait for it: it goes before them.
      this.#push({ origin, priority: isTrial ? 0 : 10, cost: expectedMs, waitsForTurn: true, value: opening })
      this.pump()
    })
  }

  /** Ends `job` with `error`: at once for its caller, and on the host as soon as that can be. */
  abort(job: Job, error: AccelerateError): void {
    if (job.state === "ended") return
    const wasSent = job.state === "running"
    if (job.entry) this.#turns.remove(job.entry)
    job.entry = undefined
    this.#owner.failed(job, error)
    if (!wasSent) return
    if (this.#sent[0] !== job) return job.withdraw?.abort()
    const { life } = this.host
    const { stuckMs } = this.#owner.limits
    const end = () => this.host.lose("it did not end a job that was cancelled or past its deadline", life)
    this.#stuck.set(job, upkeepTimer(end, stuckMs))
  }

  /** Sends what may be sent. */
  pump(): void {
    clearTimeout(this.#held)
    for (;;) {
      const entry = this.#isResting ? undefined : this.#turns.next(performance.now(), (turn) => this.#mayBegin(turn))
      if (!entry) break
      const turn = entry.value
      if (turn instanceof Opening) void this.#open(turn)
      else {
        turn.entry = undefined
        this.#send(turn)
      }
    }
    const { heldUntil } = this.#turns
    if (heldUntil !== undefined && heldUntil < Number.POSITIVE_INFINITY)
      this.#held = upkeepTimer(() => this.pump(), Math.max(0, heldUntil - performance.now()))
    this.#watchFirst()
  }

  /** Ends the host and every job it has. */
  close(error: AccelerateError): void {
    for (const timer of [this.#watch, this.#patience, this.#held, this.#rest, this.#kept?.timer]) clearTimeout(timer)
    for (const timer of this.#stuck.values()) clearTimeout(timer)
    this.host.close()
    for (const turn of [...this.#sent.splice(0), ...this.#turns.removeWhere(() => true).map((x) => x.value)])
      this.#fail(turn, error)
  }

  #mayBegin(turn: Turn): boolean {
    if (turn instanceof Opening) return this.host.state === "ready"
    return turn.loaded.isReady && this.#owner.mayRun(turn)
  }

  #fail(turn: Turn, error: AccelerateError): void {
    if (turn instanceof Opening) turn.refuse(error)
    else if (turn.state !== "ended") this.#owner.failed(turn, error)
  }

  #enqueue(job: Job, priority: number): void {
    const cost = this.#owner.expectedMs(job)
    const entry = { origin: originOf(job), priority, deadlineAt: job.deadlineAt, cost, value: job }
    job.state = "waiting"
    job.entry = entry
    if (!this.#push(entry)) return
    if (job.loaded.isReady) this.pump()
    else this.#want(job)
  }

  #push(entry: QueueEntry<Turn>): boolean {
    const { accepted, displaced } = this.#turns.push(entry, performance.now())
    for (const refused of [displaced, accepted ? undefined : entry]) {
      if (!refused) continue
      if (!(refused.value instanceof Opening)) refused.value.entry = undefined
      this.#fail(refused.value, fail("IPFA_QUEUE_FULL"))
    }
    return accepted
  }

  #want(job: Job): void {
    const { loaded } = job
    this.#owner.open(job).then(
      () => this.pump(),
      (error) => this.#strand(asAccelerateError(error), (job) => job.loaded === loaded),
    )
  }

  /** Has what the waiting jobs need opened, where it is not loaded. */
  wantAll(): void {
    const wanted = new Map<Loaded, Job>()
    for (const { value } of this.#turns) {
      if (value instanceof Opening || value.loaded.isReady) continue
      if (value.lease.forced || !wanted.has(value.loaded)) wanted.set(value.loaded, value)
    }
    for (const job of wanted.values()) this.#want(job)
  }

  async #open(opening: Opening): Promise<void> {
    opening.startedAt = performance.now()
    this.#sent.push(opening)
    await opening.begin()
    this.#remove(opening)
    this.pump()
  }

  #send(job: Job): void {
    const { lease, loaded, params } = job
    const { residence } = loaded
    let feeds = params.feeds
    try {
      if (job.usesKept) feeds = hostFeeds(lease, loaded, feeds)
    } catch (error) {
      this.#turns.ended(job, 0, performance.now())
      return this.#owner.failed(job, asAccelerateError(error))
    }
    job.state = "running"
    job.startedAt = performance.now()
    job.withdraw = new AbortController()
    this.#sent.push(job)
    this.#owner.started(job)
    this.#armWatch()
    const { handle } = residence!
    const { life } = this.host
    this.host
      .call(
        "device.run",
        { handle, keep: params.keep, outputs: params.outputs, feeds },
        { signal: job.withdraw.signal },
      )
      .then(
        (result) => this.#answered(job, life, result),
        (error) => this.#answered(job, life, undefined, error),
      )
  }

  #answered(job: Job, life: number, result: HostResult | undefined, error?: unknown): void {
    // Of an earlier life, or sent elsewhere: that was dealt with.
    if (life !== this.host.life || !this.#sent.includes(job)) return
    if (result) this.host.worked()
    // Before the next turn, which may unload its model.
    if (job.state !== "ended") {
      if (result) this.#owner.done(job, result)
      else this.#owner.failed(job, asAccelerateError(error))
    } else if (result) this.#owner.discard(job, result)
    this.#remove(job)
    this.pump()
  }

  /** What has a share of the time is sent nothing ahead of its turn either. */
  get #isResting(): boolean {
    return this.#rest !== undefined || (this.#sent.length > 0 && this.#owner.restMs(this.host, 1) > 0)
  }

  #restAfter(ranMs: number): void {
    const ms = this.#owner.restMs(this.host, ranMs)
    if (ms <= 0) return
    clearTimeout(this.#rest)
    this.#rest = setTimeout(() => {
      this.#rest = undefined
      this.pump()
    }, ms)
  }

  #remove(turn: Turn, lost = false): void {
    const at = this.#sent.indexOf(turn)
    if (at < 0) return
    const now = performance.now()
    this.#sent.splice(at, 1)
    this.#turns.ended(turn, at === 0 ? now - turn.startedAt : 0, now, lost)
    if (at === 0) {
      if (!lost) this.#restAfter(now - turn.startedAt)
      this.isHeldUp = false
      if (this.#sent[0]) this.#sent[0].startedAt = now
    }
    if (turn instanceof Opening) return
    clearTimeout(this.#stuck.get(turn))
    this.#stuck.delete(turn)
    if (turn.state === "running") turn.state = "waiting"
    this.#owner.stopped(turn)
  }

  /** One timer for all jobs without a deadline of their own: no job hangs. */
  #armWatch(): void {
    if (this.#watch !== undefined) return
    const { runMs } = this.#owner.limits
    const look = () => {
      this.#watch = undefined
      const first = this.#sent[0]
      if (!first) return
      const left = first instanceof Opening ? runMs : first.startedAt + runMs - performance.now()
      if (left <= 0) this.abort(first as Job, fail("IPFA_JOB_DEADLINE", { data: { deadlineMs: runMs } }))
      this.#watch = upkeepTimer(look, left > 0 ? left : runMs)
    }
    this.#watch = upkeepTimer(look, runMs)
  }

  /** Nothing here can be interrupted: what keeps others waiting for too long is ended with its host. */
  #watchFirst(): void {
    const first = this.#sent[0]
    if (this.#kept && first === this.#kept.first && this.#keepsOthers(first)) return
    clearTimeout(this.#kept?.timer)
    this.#kept = undefined
    if (first && this.#keepsOthers(first)) this.#endIfKept(first, this.#turnMs(first))
  }

  #endIfKept(first: Turn, ms: number): void {
    const timer = upkeepTimer(() => {
      this.#kept = undefined
      if (first === this.#sent[0] && this.#keepsOthers(first)) this.#overrun(first)
      else this.#watchFirst()
    }, ms)
    this.#kept = { first, timer }
  }

  #turnMs(turn: Turn): number {
    return turn instanceof Opening ? turn.turnMs : this.#owner.limits.turnMs
  }

  #keepsOthers(first: Turn): boolean {
    const origin = originOf(first)
    if (this.#sent.some((turn) => originOf(turn) !== origin)) return true
    return this.#turns.isWaitedFor(origin, (turn) => this.#mayBegin(turn))
  }

  #overrun(first: Turn): void {
    const origin = originOf(first)
    if (this.host.isGpu && !this.isHeldUp) {
      this.isHeldUp = true
      this.#endIfKept(first, (GPU_TURNS - 1) * this.#turnMs(first))
      for (const turn of this.#sent.slice(1)) {
        if (turn instanceof Opening || !this.#mayLeave(turn)) continue
        this.#remove(turn)
        turn.withdraw?.abort()
        this.#owner.stranded(turn, this.#heldUp())
      }
      this.#strand(this.#heldUp(), (job) => this.#mayLeave(job))
      for (const { value } of this.#turns.removeWhere(
        ({ value }) => value instanceof Opening && value.origin !== origin && value.mayLeave(),
      ))
        this.#fail(value, this.#heldUp())
      return
    }
    const data = { backend: this.host.backend, turnMs: this.#turnMs(first) }
    this.#fail(first, fail("IPFA_JOB_OVERRUN", { data }))
    this.#overranBy = origin
    this.host.lose("it was kept from others for too long")
  }

  #mayLeave(job: Job): boolean {
    const first = this.#sent[0]
    return first !== undefined && originOf(job) !== originOf(first) && this.#owner.canMove(job)
  }

  #heldUp(): AccelerateError {
    const { backend } = this.host
    return fail("IPFA_DEVICE_LOST", {
      message: `${backend} is held up by a long run of another site.`,
      data: { backend },
    })
  }

  #lost(): void {
    const sent = [...this.#sent]
    const again: Job[] = []
    // Only the first had begun.
    const culprit = sent[0]
    const overranBy = this.#overranBy
    this.#overranBy = undefined
    // A GPU that is lost twice is lost to all: who may have killed it goes on elsewhere.
    const origin = culprit && this.host.isGpu ? originOf(culprit) : overranBy
    if (origin !== undefined) this.#owner.blame(origin, this.host.backend)
    for (const turn of sent) {
      this.#remove(turn, true)
      // The call that opens it has failed with the host.
      if (turn instanceof Opening || turn.state === "ended") continue
      if (turn === culprit) turn.reruns++
      // A trial is not worth a second loss.
      if (turn.usesKept || turn.loaded.isTrial)
        this.#owner.failed(turn, this.#gone("The device was lost, and with it what the job used."))
      else if (turn.reruns > 1)
        this.#owner.failed(turn, fail("IPFA_JOB_LOST", { data: { backend: this.host.backend } }))
      else again.push(turn)
    }
    const keptLost = fail("IPFA_SESSION_KEPT", { data: { reason: "its device was lost" } })
    for (const job of this.#takeJobs((job) => job.usesKept)) this.#owner.failed(job, keptLost)
    const leaves = (job: Job) => originOf(job) === origin && (overranBy === origin || this.#owner.canMove(job))
    this.#strand(this.host.unavailable(), leaves)
    for (const job of again) {
      if (leaves(job)) this.#owner.stranded(job, this.host.unavailable())
      // Before the other jobs of its origin: its turn had come.
      else this.#enqueue(job, 10)
    }
    this.wantAll()
    clearTimeout(this.#patience)
    this.#patience = upkeepTimer(
      () => this.#strand(this.host.unavailable(), (job) => this.#owner.canMove(job)),
      this.#owner.limits.patienceMs,
    )
  }

  #ready(): void {
    clearTimeout(this.#patience)
    this.wantAll()
    this.pump()
  }

  #down(): void {
    clearTimeout(this.#patience)
    this.#strand(this.host.unavailable(), () => true)
    for (const { value } of this.#turns.removeWhere(() => true)) this.#fail(value, this.host.unavailable())
  }

  #strand(error: AccelerateError, which: (job: Job) => boolean): void {
    for (const job of this.#takeJobs(which)) this.#owner.stranded(job, error)
  }

  #takeJobs(which: (job: Job) => boolean): Job[] {
    const taken = this.#turns.removeWhere(({ value }) => !(value instanceof Opening) && which(value))
    return taken.map(({ value }) => {
      const job = value as Job
      job.entry = undefined
      return job
    })
  }

  #gone(message: string): AccelerateError {
    return fail("IPFA_DEVICE_LOST", { message, data: { backend: this.host.backend } })
  }
}

function originOf(turn: Turn): string {
  return turn instanceof Opening ? turn.origin : turn.lease.caller.origin
}
