import type { FastifyInstance } from "fastify"
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client"
import type { Fleet } from "../fleet/fleet.ts"
import { LastUsed } from "../fleet/last-used.ts"
import { MAX_DEVICES } from "../fleet/run-stats.ts"
import type { EndedRun, RunEvents } from "../fleet/runs.ts"
import type { Slots } from "../fleet/slots.ts"
import { errorAnswers } from "./route.ts"

/** Prometheus' numbers at /metrics. Labels are devices and codes, never models or callers: who may read them need not learn those. */
export class Metrics implements RunEvents {
  readonly registry = new Registry()
  readonly #jobs: Counter
  readonly #seconds: Histogram
  readonly #requests: Histogram
  /** Of each device that had a job last, the outcomes that were counted. The others' series end. */
  readonly #outcomes = new LastUsed<Set<string>>(
    MAX_DEVICES,
    () => new Set(),
    (device, outcomes) => {
      for (const outcome of outcomes) this.#jobs.remove({ device, outcome })
      this.#seconds.remove({ device })
    },
  )

  constructor(fleet: Fleet, slots: Slots, reruns: () => number) {
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry, prefix: "ipfa_" })
    this.#jobs = new Counter({
      name: "ipfa_jobs_total",
      help: "Jobs ended.",
      labelNames: ["device", "outcome"],
      registers,
    })
    this.#seconds = new Histogram({
      name: "ipfa_job_seconds",
      help: "From arrival to answer.",
      labelNames: ["device"],
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30],
      registers,
    })
    this.#requests = new Histogram({
      name: "ipfa_http_request_seconds",
      help: "HTTP requests.",
      labelNames: ["route", "status"],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    })
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value())
        },
      })
    gauge("ipfa_jobs_running", "Jobs on a device.", () => slots.running)
    gauge("ipfa_jobs_waiting", "Jobs that wait for a device.", () => slots.waiting)
    gauge("ipfa_reruns", "Jobs run again because a device was lost or far later than usual, since the start.", reruns)
    gauge("ipfa_agents", "Agents that are connected.", () => fleet.members.length)
    gauge("ipfa_devices", "Devices of all agents.", () => fleet.hardware().devices.length)
  }

  ended({ device = "", ok, error, ms }: EndedRun): void {
    const outcome = error?.code ?? "done"
    this.#outcomes.use(device).add(outcome)
    this.#jobs.inc({ device, outcome })
    if (ok) this.#seconds.observe({ device }, ms / 1000)
  }

  serve(app: FastifyInstance): void {
    app.addHook("onResponse", async (request, reply) => {
      const route = request.routeOptions.url ?? "none"
      this.#requests.observe({ route, status: String(reply.statusCode) }, reply.elapsedTime / 1000)
    })
    const response = {
      200: { description: "Metrics.", content: { "text/plain": { schema: { type: "string" } } } },
      ...errorAnswers,
    }
    app.get("/metrics", { schema: { tags: ["bridge"], summary: "Prometheus metrics.", response } }, async (_, reply) =>
      reply.type(this.registry.contentType).send(await this.registry.metrics()),
    )
  }
}
