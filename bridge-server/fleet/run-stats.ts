import {
  type AccelerateError,
  type DeviceLatency,
  type ErrorCount,
  LATENCY_RUNS,
  P95_RUNS,
  RATE_SECONDS,
} from "../../protocol/index.ts"
import { LastUsed } from "./last-used.ts"
import type { EndedRun, RunEvents } from "./runs.ts"

/** Devices whose numbers are kept: those that had a job last. Agents come and go. */
export const MAX_DEVICES = 256

interface DeviceRuns {
  done: number
  failed: number
  /** The latest latencies in no order, `next` is overwritten next. */
  latestMs: number[]
  next: number
}

/** Numbers of this life of the bridge-server, in memory: how fast jobs end, how long they take, and what fails. */
export class RunStats implements RunEvents {
  /** Benchmarks that were stored. */
  benchmarks = 0
  readonly #now: () => number
  readonly #bySecond = new Map<number, { done: number; failed: number }>()
  readonly #byDevice = new LastUsed<DeviceRuns>(MAX_DEVICES, () => ({ done: 0, failed: 0, latestMs: [], next: 0 }))
  readonly #byCode = new Map<string, ErrorCount>()

  /** `now`: ms since 1970. */
  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  ended({ device, ok, error, ms }: EndedRun): void {
    const second = this.#second()
    const current = this.#bySecond.get(second) ?? { done: 0, failed: 0 }
    current[ok ? "done" : "failed"]++
    this.#bySecond.set(second, current)
    for (const old of this.#bySecond.keys()) if (old < second - RATE_SECONDS) this.#bySecond.delete(old)
    if (device !== undefined) this.#onDevice(device, ok, ms)
    if (error) this.#failed(error, device)
  }

  /** A model that could not be had or opened, so that no job came of it. */
  refused(error: AccelerateError): void {
    this.#failed(error, undefined)
  }

  seconds(): { done: number; failed: number }[] {
    const first = this.#second() - RATE_SECONDS
    return Array.from({ length: RATE_SECONDS }, (_, i) => this.#bySecond.get(first + i) ?? { done: 0, failed: 0 })
  }

  latencies(): DeviceLatency[] {
    return [...this.#byDevice].map(([device, { done, failed, latestMs }]) => {
      const sorted = latestMs.toSorted((a, b) => a - b)
      const n = sorted.length
      const rank = (share: number) => sorted[Math.ceil(share * n) - 1] as number
      return {
        device,
        done,
        failed,
        n,
        ...(n > 0 && { p50Ms: rank(0.5) }),
        ...(n >= P95_RUNS && { p95Ms: rank(0.95) }),
      }
    })
  }

  errors(): ErrorCount[] {
    return [...this.#byCode.values()].sort((a, b) => b.at - a.at)
  }

  #onDevice(device: string, ok: boolean, ms: number): void {
    const runs = this.#byDevice.use(device)
    runs[ok ? "done" : "failed"]++
    if (!ok) return
    runs.latestMs[runs.next] = ms
    runs.next = (runs.next + 1) % LATENCY_RUNS
  }

  #failed({ code, message }: AccelerateError, device: string | undefined): void {
    const count = (this.#byCode.get(code)?.count ?? 0) + 1
    this.#byCode.set(code, { code, count, message, ...(device !== undefined && { device }), at: this.#now() })
  }

  #second(): number {
    return Math.floor(this.#now() / 1000)
  }
}
