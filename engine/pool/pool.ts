import type { Handlers, HardwareReport, LiveJob, Status } from "../../protocol/index.ts"
import { fail } from "../../protocol/index.ts"
import type { Caller } from "../caller.ts"
import { Repeats } from "../repeats.ts"
import { Blame } from "./blame.ts"
import { Changes } from "./changes.ts"
import { Devices, type HostLoad } from "./devices.ts"
import { HeapWatch } from "./heap-watch.ts"
import { Gpu, Host } from "./host.ts"
import { liveJobs } from "./job.ts"
import { Jobs } from "./jobs.ts"
import type { Activity } from "./lease.ts"
import { Leases } from "./leases.ts"
import { Measurements } from "./measurements.ts"
import { Models } from "./models.ts"
import { type Allowance, type PoolOptions, poolSettings } from "./options.ts"
import { Placement } from "./placement.ts"
import { Recent } from "./recent.ts"
import { Room } from "./room.ts"
import { Connection, type PoolParts } from "./serve.ts"
import { Sessions } from "./sessions.ts"
import { Slots } from "./slots.ts"
import { callerStatus } from "./status.ts"
import { Tuner } from "./tuner.ts"

/** Runs models for many callers on the devices of one agent. */
export interface Pool {
  /** Every device that is there and every one that is not, with the reason. Probes each host when first asked. */
  hardware(): Promise<HardwareReport>
  /** Handlers for one connection's Peer; `dispose` when it ended, whatever the reason. */
  serve(caller: Caller): { handlers: Handlers<Caller>; dispose(): void }
  /** What all connections of the caller's origin have; of everybody where the origin is `owner`. */
  status(caller: Caller): Status
  /** What runs, then what waits, of everybody. */
  jobs(): LiveJob[]
  /** Calls `listener` soon after devices, sessions, jobs or stored models changed, at most ten times a second. Returns what ends that. */
  onChange(listener: () => void): () => void
  /** Obeys from now on; what was allowed before is taken back as far as it is not in use, and what runs against it ends. */
  allow(allowance: Allowance): void
  /** Ends all hosts; jobs fail with IPFA_PROTOCOL_CLOSED. */
  close(): void
}

/** Models loading at once, each with its bytes in memory; and of one origin. */
const LOADING = 4
const LOADING_EACH = 2

export function createPool(options: PoolOptions): Pool {
  const settings = poolSettings(options)
  const changes = new Changes()
  const measurements = new Measurements(settings.onMeasurement, settings.now, options.measurements)
  const slots = new Slots(LOADING, LOADING_EACH)
  const sessions = new Sessions(settings, slots, measurements)
  const leases = new Leases(sessions)
  const gpu = new Gpu()
  const hosts = options.hosts.map((factory) => new Host(factory, settings, gpu))
  const blame = new Blame()
  const jobs = new Jobs(hosts, settings, sessions, measurements, leases, blame, changes.notify)
  sessions.turnsOf = (host) => jobs.lane(host)
  sessions.room = new Room(settings, sessions, leases)
  const loadOf = (host: Host): HostLoad => {
    const lane = jobs.lane(host)
    const { running, waiting, isHeldUp } = lane
    return { jobs: running + waiting, isHeldUp, isBusy: (device) => lane.isBusy(device) }
  }
  const devices = new Devices(hosts, settings, sessions, measurements, blame, loadOf)
  const heapWatch = new HeapWatch(settings, sessions, (host) => loadOf(host).jobs)
  const placement = new Placement(devices, sessions, settings)
  jobs.placeWith(placement)
  const repeats = new Repeats({ keepMs: settings.limits.keptResultMs, keepBytes: settings.limits.keptResultBytes })
  const recent = new Recent(settings.now)
  const tuner = options.mayTune && new Tuner({ settings, devices, sessions, leases, jobs, measurements, recent })
  const connections = new Set<Connection>()
  const past: Activity = { running: 0, waiting: 0, done: 0, failed: 0 }
  const parts: PoolParts = {
    settings,
    models: new Models(settings, slots),
    sessions,
    leases,
    jobs,
    devices,
    placement,
    measurements,
    repeats,
    recent,
    during: (work) => tuner?.idle.during(work) ?? work,
    activityOf(origin) {
      const sum: Activity = origin === undefined ? { ...past } : { running: 0, waiting: 0, done: 0, failed: 0 }
      for (const connection of connections)
        if (origin === undefined || connection.origin === origin) add(sum, connection.activity)
      return sum
    },
    changed: changes.notify,
  }
  return {
    async hardware() {
      await devices.allProbed()
      return devices.report(true)
    },
    serve(caller) {
      const connection = new Connection(parts, caller)
      connections.add(connection)
      return {
        handlers: connection.handlers,
        dispose() {
          connection.dispose()
          if (connections.delete(connection)) add(past, { ...connection.activity, running: 0, waiting: 0 })
        },
      }
    },
    status: (caller) => callerStatus(parts, caller),
    jobs: () => liveJobs(leases.all(), settings.now()),
    onChange: (listener) => changes.listen(listener),
    allow(allowance) {
      Object.assign(settings, allowance)
      sessions.shrink()
      jobs.obeyPause()
      changes.notify()
    },
    close() {
      for (const connection of connections) connection.dispose()
      connections.clear()
      heapWatch.close()
      tuner?.close()
      jobs.close(fail("IPFA_PROTOCOL_CLOSED"))
      repeats.clear()
      changes.close()
    },
  }
}

function add(sum: Activity, more: Activity): void {
  for (const key of ["running", "waiting", "done", "failed"] as const) sum[key] += more[key]
}
