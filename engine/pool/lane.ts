import { type AccelerateError, asAccelerateError, fail, type Methods, type ResultOf } from "../../protocol/index.ts"
import { FairQueue } from "../../scheduler/index.ts"
import type { Host } from "./host.ts"
import type { Job } from "./job.ts"
import { hostFeeds } from "./lease.ts"
import type { Loaded } from "./loaded.ts"
import type { PoolLimits } from "./options.ts"
import { type Timer, upkeepTimer } from "./timer.ts"

export type HostResult = ResultOf<Methods["device.run"]>

/** What a lane asks of those around it. */
export interface LaneOwner {
  readonly limits: PoolLimits
  /** Its caller may have one more running. */
  mayRun(job: Job): boolean
  expectedMs(job: Job): number
  /** The job was sent to the host, or is no longer there. */
  started(job: Job): void
  stopped(job: Job): void
  done(job: Job, result: HostResult): void
  failed(job: Job, error: AccelerateError): void
  /** Nobody waits for this result any more. */
  discard(job: Job, result: HostResult): void
  open(loaded: Loaded, origin: string): Promise<void>
  /** It can't run here: elsewhere, then, or not at all. */
  stranded(job: Job, error: AccelerateError): void
  /** A GPU was lost while it ran. */
  lostUnder(job: Job): void
  /** Another device could take it. */
  canMove(job: Job): boolean
}

/** The jobs of one host: those that wait, fairly, and the few that it has. */
export class Lane {
  readonly host: Host
  readonly #owner: LaneOwner
  readonly #queue: FairQueue<Job>
  /** Sent to the host, which works in this order: all but the first wait there. */
  readonly #sent: Job[] = []
  /** Cancelled or late, but the host is still at it: the only sign of its end is the host's answer. */
  readonly #stuck = new Map<Job, Timer>()
  #watch: Timer | undefined
  #patience: Timer | undefined

  constructor(host: Host, owner: LaneOwner) {
    this.host = host
    this.#owner = owner
    this.#queue = new FairQueue(owner.limits.queued)
    host.listener = { lost: () => this.#lost(), ready: () => this.#ready(), down: () => this.#down() }
  }

  get running(): number {
    return this.#sent.length
  }

  get waiting(): number {
    return this.#queue.size
  }

  isBusy(device: string): boolean {
    return this.#sent.some((job) => job.loaded.device === device)
  }

  submit(job: Job): void {
    const { loaded } = job
    if (this.host.state === "down" || this.host.state === "closed")
      return this.#owner.stranded(job, this.host.unavailable())
    if (
      loaded.residence &&
      this.#queue.size === 0 &&
      this.#sent.length < this.#owner.limits.depth &&
      this.#owner.mayRun(job)
    )
      return this.#send(job)
    this.#enqueue(job, job.priority)
  }

  /** Ends `job` with `error`: at once for its caller, and on the host as soon as that can be. */
  abort(job: Job, error: AccelerateError): void {
    if (job.state === "ended") return
    const wasSent = job.state === "running"
    if (job.entry) this.#queue.remove(job.entry)
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
    while (this.#sent.length < this.#owner.limits.depth && this.#queue.size > 0) {
      const entry = this.#queue.next((job) => job.loaded.residence !== undefined && this.#owner.mayRun(job))
      if (!entry) break
      entry.value.entry = undefined
      this.#send(entry.value)
    }
  }

  /** Ends the host and every job it has. */
  close(error: AccelerateError): void {
    clearTimeout(this.#watch)
    clearTimeout(this.#patience)
    for (const timer of this.#stuck.values()) clearTimeout(timer)
    this.host.close()
    for (const job of [...this.#sent.splice(0), ...this.#queue.removeWhere(() => true).map((x) => x.value)])
      if (job.state !== "ended") this.#owner.failed(job, error)
  }

  #enqueue(job: Job, priority: number): void {
    const cost = this.#owner.expectedMs(job)
    const entry = { origin: job.lease.caller.origin, priority, deadlineAt: job.deadlineAt, cost, value: job }
    const { accepted, displaced } = this.#queue.push(entry)
    if (displaced) this.abort(displaced.value, fail("IPFA_QUEUE_FULL"))
    if (!accepted) return this.#owner.failed(job, fail("IPFA_QUEUE_FULL"))
    job.state = "waiting"
    job.entry = entry
    if (job.loaded.residence) this.pump()
    else this.#want(job.loaded, job.lease.caller.origin)
  }

  #want(loaded: Loaded, origin: string): void {
    this.#owner.open(loaded, origin).then(
      () => this.pump(),
      (error) => this.#strand(asAccelerateError(error), (job) => job.loaded === loaded),
    )
  }

  #wantAll(): void {
    const wanted = new Map<Loaded, string>()
    for (const { origin, value } of this.#queue) if (!value.loaded.residence) wanted.set(value.loaded, origin)
    for (const [loaded, origin] of wanted) this.#want(loaded, origin)
  }

  #send(job: Job): void {
    const { lease, loaded, params } = job
    const { residence } = loaded
    let feeds = params.feeds
    try {
      if (job.usesKept) feeds = hostFeeds(lease, loaded, feeds)
    } catch (error) {
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
        { handle, feeds, keep: params.keep, outputs: params.outputs },
        { signal: job.withdraw.signal },
      )
      .then(
        (result) => this.#answered(job, life, result),
        (error) => this.#answered(job, life, undefined, error),
      )
  }

  #answered(job: Job, life: number, result: HostResult | undefined, error?: unknown): void {
    // Of an earlier life: the loss has dealt with it.
    if (life !== this.host.life) return
    this.#remove(job)
    this.pump()
    if (result) this.host.worked()
    if (job.state !== "ended") {
      if (result) this.#owner.done(job, result)
      else this.#owner.failed(job, asAccelerateError(error))
    } else if (result) this.#owner.discard(job, result)
  }

  #remove(job: Job): void {
    const at = this.#sent.indexOf(job)
    if (at < 0) return
    this.#sent.splice(at, 1)
    if (at === 0 && this.#sent[0]) this.#sent[0].startedAt = performance.now()
    clearTimeout(this.#stuck.get(job))
    this.#stuck.delete(job)
    if (job.state === "running") job.state = "waiting"
    this.#owner.stopped(job)
  }

  /** One timer for all jobs without a deadline of their own: no job hangs. */
  #armWatch(): void {
    if (this.#watch !== undefined) return
    const { runMs } = this.#owner.limits
    const look = () => {
      this.#watch = undefined
      const first = this.#sent[0]
      if (!first) return
      const left = first.startedAt + runMs - performance.now()
      if (left <= 0) this.abort(first, fail("IPFA_JOB_DEADLINE", { data: { deadlineMs: runMs } }))
      this.#watch = upkeepTimer(look, left > 0 ? left : runMs)
    }
    this.#watch = upkeepTimer(look, runMs)
  }

  #lost(): void {
    const sent = [...this.#sent]
    const again: Job[] = []
    // Only the first had begun.
    const culprit = sent[0]
    if (culprit && this.host.isGpu) this.#owner.lostUnder(culprit)
    for (const job of sent) {
      this.#remove(job)
      if (job.state === "ended") continue
      if (job === culprit) job.reruns++
      // A trial is not worth a second loss.
      if (job.usesKept || job.loaded.isTrial)
        this.#owner.failed(job, this.#gone("The device was lost, and with it what the job used."))
      else if (job.reruns > 1) this.#owner.failed(job, fail("IPFA_JOB_LOST", { data: { backend: this.host.backend } }))
      else again.push(job)
    }
    for (const { value } of this.#queue.removeWhere((entry) => entry.value.usesKept))
      this.#owner.failed(value, fail("IPFA_SESSION_KEPT", { data: { reason: "its device was lost" } }))
    // A GPU that is lost twice is lost to all: who may have killed it goes on elsewhere.
    const origin = this.host.isGpu ? culprit?.lease.caller.origin : undefined
    const leaves = (job: Job) => job.lease.caller.origin === origin && this.#owner.canMove(job)
    this.#strand(this.host.unavailable(), leaves)
    for (const job of again) {
      if (leaves(job)) this.#owner.stranded(job, this.host.unavailable())
      // Before the other jobs of its origin: its turn had come.
      else this.#enqueue(job, 10)
    }
    this.#wantAll()
    clearTimeout(this.#patience)
    this.#patience = upkeepTimer(
      () => this.#strand(this.host.unavailable(), (job) => this.#owner.canMove(job)),
      this.#owner.limits.patienceMs,
    )
  }

  #ready(): void {
    clearTimeout(this.#patience)
    this.#wantAll()
    this.pump()
  }

  #down(): void {
    clearTimeout(this.#patience)
    this.#strand(this.host.unavailable(), () => true)
  }

  #strand(error: AccelerateError, which: (job: Job) => boolean): void {
    for (const { value: job } of this.#queue.removeWhere((entry) => which(entry.value))) {
      job.entry = undefined
      this.#owner.stranded(job, error)
    }
  }

  #gone(message: string): AccelerateError {
    return fail("IPFA_DEVICE_LOST", { message, data: { backend: this.host.backend } })
  }
}
