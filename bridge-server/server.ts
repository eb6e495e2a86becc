import { isIP } from "node:net"
import { nodeBackends } from "../engine/backends/node.ts"
import type { ModelSource } from "../engine/model-source.ts"
import { nodeLibrary } from "../engine/store/node.ts"
import { type CodeUse, elements, fail } from "../protocol/index.ts"
import { isLoopback } from "./access/addresses.ts"
import { AgentTokens } from "./access/agent-tokens.ts"
import { Pairing } from "./access/pairing.ts"
import { type DataFolder, defaultDataDir, takeDataFolder } from "./data-folder.ts"
import { AgentSessions } from "./fleet/agent-sessions.ts"
import type { AgentParts } from "./fleet/agents.ts"
import { Aliases } from "./fleet/aliases.ts"
import { Averages } from "./fleet/averages.ts"
import type { Evidence } from "./fleet/evidence.ts"
import { Fleet } from "./fleet/fleet.ts"
import { Holds } from "./fleet/holds.ts"
import { FleetModels } from "./fleet/models.ts"
import { Placement } from "./fleet/placement.ts"
import { Router } from "./fleet/router.ts"
import { RunStats } from "./fleet/run-stats.ts"
import { type LostRun, type RunEvents, Runs } from "./fleet/runs.ts"
import { Slots } from "./fleet/slots.ts"
import { createApp, type HttpTimeouts, listen } from "./http/app.ts"
import { Guard } from "./http/guard.ts"
import { Metrics } from "./http/metrics.ts"
import { createLog, type Logger } from "./log.ts"
import { NativeProcess } from "./native/spawn.ts"
import { Rest } from "./rest.ts"
import { SharedMemory } from "./shared-memory.ts"

export interface BridgeOptions {
  /** Default: the platform's place for an application's data. */
  dataDir?: string
  /** Default 127.0.0.1. Beyond loopback only with `tls`, or `insecureRemote`. */
  host?: string
  /** Default 0: any free one. */
  port?: number
  tls?: { cert: string | Buffer; key: string | Buffer }
  insecureRemote?: boolean
  /** Further `host[:port]` forms of the Host header that name this bridge. */
  alsoKnownAs?: readonly string[]
  /** Default: the data folder's, made at the first start. */
  token?: string
  /** Computes in native processes too. Default true. */
  native?: boolean
  /** Threads of a native process. Default: ONNX Runtime's choice. */
  threads?: number
  /** How long HTTP clients are waited for. */
  timeouts?: Partial<HttpTimeouts>
  /** A native process that does not answer so long after a job on it was given up is ended, ms. Default 30 s. */
  stuckMs?: number
  /** So long after the last job the memory that was freed is given back to the system, ms. Default 70 s: the answers that are kept for repeated jobs are gone by then. */
  restMs?: number
  /** Where measurements go, or how it is opened in the data folder; nowhere without. The bridge closes it. */
  evidence?: Evidence | ((file: string) => Promise<Evidence>)
  /** Default: a folder `models` in the data folder. */
  models?: ModelSource
  /** Models and their names, beside those that ship. */
  aliases?: Record<string, string>
  /** Models may come from loopback addresses: development servers and tests. */
  allowLoopbackModels?: boolean
  log?: Logger
}

export interface Bridge {
  /** `http://127.0.0.1:PORT` */
  readonly http: string
  /** `ws://127.0.0.1:PORT`; callers connect to `/client`, agents to `/agent`. */
  readonly ws: string
  readonly dataDir: string
  readonly tokenFile: string
  readonly token: string
  readonly fleet: Fleet
  readonly router: Router
  /** Who wants it to stay: the native hosts of browsers. */
  readonly holds: Holds
  /** The process behind a native agent, where one runs now. */
  nativePid(agent: "native" | "native-gpu"): number | undefined
  /** For an agent, unless it is to open the dashboard. */
  pairingCode(use?: CodeUse): { code: string; expiresInMs: number }
  /** Ends all it started and gives the data folder free. */
  close(): Promise<void>
}

/** Starts the bridge-server. Throws IPFA_STORE_LOCKED, IPFA_STORE_NEWER, IPFA_BRIDGE_PORT, IPFA_BRIDGE_EXPOSED. */
export async function startBridge(options: BridgeOptions = {}): Promise<Bridge> {
  const { host = "127.0.0.1", tls, insecureRemote = false } = options
  if (!isLoopback(host) && !tls && !insecureRemote) throw fail("IPFA_BRIDGE_EXPOSED", { data: { host } })
  const folder = takeDataFolder(options.dataDir ?? defaultDataDir(), options.token)
  let evidence: Evidence | undefined
  try {
    evidence =
      typeof options.evidence === "function" ? await options.evidence(folder.path("evidence.duckdb")) : options.evidence
    return await start(folder, host, options, evidence)
  } catch (error) {
    await evidence?.close().catch(() => {})
    folder.release()
    throw error
  }
}

async function start(
  folder: DataFolder,
  host: string,
  options: BridgeOptions,
  evidence: Evidence | undefined,
): Promise<Bridge> {
  const { tls, log = createLog() } = options
  // First: where one is refused, nothing was begun.
  const aliases = new Aliases({ file: folder.path("aliases.json"), ...(options.aliases && { extra: options.aliases }) })
  const tokens = new AgentTokens(folder.path("agents.json"))
  const fleet = new Fleet()
  const slots = new Slots()
  const averages = new Averages()
  const source =
    options.models ??
    nodeLibrary({ dir: folder.path("models"), allowFile: true, allowLoopback: options.allowLoopbackModels ?? false })
  const models = new FleetModels(source, aliases)
  const sessions = new AgentSessions(models, averages)
  const placement = new Placement(fleet, sessions, averages, slots)
  const metrics: Metrics = new Metrics(fleet, slots, () => runs.counts.reruns)
  const stats = new RunStats()
  const logged: RunEvents = {
    ended: ({ device, ok, error, ms, trace }) =>
      // Not `code`: what is called that is a secret, and hidden.
      log.debug({ device, error: error?.code, ms, trace }, ok ? "job done" : "job failed"),
  }
  const noted: RunEvents = { lost: (run) => noteLost(run, evidence) }
  const rest = new Rest(
    options.restMs ?? 70_000,
    () => runs.counts.running > 0,
    () =>
      void evidence?.giveBack().catch((error: unknown) => log.warn({ err: error }, "memory could not be given back")),
  )
  const runs: Runs = new Runs({ slots, placement, sessions, averages }, [metrics, stats, logged, noted, rest])
  const router = new Router({ fleet, models, placement, sessions, slots, runs, stats, evidence })
  const pairing = new Pairing()
  const holds = new Holds()
  const guard = new Guard(folder.token, tokens)
  const memory = SharedMemory.open(folder.dir)
  const agents: AgentParts = { fleet, pairing, tokens, evidence, log }
  observe(agents, averages)

  const app = await createApp({
    agents,
    holds,
    router,
    pairing,
    tokens,
    guard,
    metrics,
    memory,
    ...(tls && { tls }),
    ...(options.timeouts && { timeouts: options.timeouts }),
  })
  const natives = (options.native ?? true) ? nativeProcesses(folder, options, agents, memory) : []
  const close = async () => {
    rest.close()
    router.close()
    // Sockets first: who is told that the bridge stops need not wait for the native processes to end.
    await app.close()
    await Promise.all(natives.map((n) => n.stop()))
    fleet.close()
    sessions.close()
    metrics.registry.clear()
    memory?.close()
    // Also where the last of it can't be written: a folder that says that a bridge runs there sends callers to nobody.
    try {
      await evidence?.close()
    } finally {
      folder.release()
    }
  }
  try {
    const port = await listen(app, host, options.port ?? 0)
    guard.listening({
      host,
      port,
      tls: tls !== undefined,
      ...(options.alsoKnownAs && { alsoKnownAs: options.alsoKnownAs }),
    })
    startInTurn(natives, fleet)
    fleet.awaitReturn(tokens.list().flatMap(({ agent, role }) => (role === undefined ? [agent] : [])))
    const name = host === "0.0.0.0" ? "127.0.0.1" : isIP(host) === 6 ? `[${host === "::" ? "::1" : host}]` : host
    const s = tls ? "s" : ""
    const http = `http${s}://${name}:${port}`
    const ws = `ws${s}://${name}:${port}`
    folder.announce({ http, ws, tokenFile: folder.tokenFile, pid: process.pid, ...(tls && { cert: String(tls.cert) }) })
    log.info({ http, dataDir: folder.dir }, "bridge-server listens")
    let closing: Promise<void> | undefined
    return {
      http,
      ws,
      dataDir: folder.dir,
      tokenFile: folder.tokenFile,
      token: folder.token,
      fleet,
      router,
      holds,
      nativePid: (agent) => natives.find((n) => n.agent === agent)?.pid,
      pairingCode: (use = "agent") => pairing.create(use),
      close: () => (closing ??= close()),
    }
  } catch (error) {
    await app.close()
    fleet.close()
    memory?.close()
    throw error
  }
}

/** The CPU in one process; whatever else ONNX Runtime offers in another, so that a driver's crash does not take the CPU with it. */
function nativeProcesses(
  folder: DataFolder,
  { threads, stuckMs }: BridgeOptions,
  agents: AgentParts,
  memory: SharedMemory | undefined,
): NativeProcess[] {
  const common = {
    dataDir: folder.dir,
    memory,
    ...(threads !== undefined && { threads }),
    ...(stuckMs !== undefined && { stuckMs }),
  }
  const others = nodeBackends.map(({ name }) => name).filter((name) => name !== "native-cpu")
  return [
    new NativeProcess({ agent: "native", backends: ["native-cpu"], ...common }, agents),
    new NativeProcess({ agent: "native-gpu", backends: others, optional: true, ...common }, agents),
  ]
}

/** The CPU first, whose turn is short; then those that look for devices, which is longer. */
function startInTurn([first, ...others]: NativeProcess[], fleet: Fleet): void {
  if (!first) return
  let isFirst = true
  const startOthers = () => {
    if (isFirst) for (const other of others) other.start()
    isFirst = false
  }
  for (const native of [first, ...others]) native.expect("it is being looked for", true)
  fleet.listen({ joined: ({ agent }) => agent === first.agent && startOthers() })
  first.start()
}

/** What the fleet's comings and goings leave behind: the log, the evidence, and the averages that choices go by. */
function observe({ fleet, evidence, log }: AgentParts, averages: Averages): void {
  const failed = (error: unknown) => log.warn({ err: error }, "evidence could not be written or read")
  // An agent that comes back has its averages here already.
  const seeded = new Set<string>()
  fleet.listen({
    joined(member) {
      const { agent, browser, version, hardware } = member
      log.info({ agent, browser, devices: hardware.devices.map((d) => d.id) }, "agent joined")
      evidence?.agent({ agent, browser, version }, hardware).catch(failed)
      if (!seeded.has(agent)) evidence?.seed(agent).then((seen) => averages.seed(agent, seen), failed)
      seeded.add(agent)
    },
    hardware({ agent, browser, version, hardware }) {
      evidence?.agent({ agent, browser, version }, hardware).catch(failed)
    },
    left({ agent }, reason) {
      log.info({ agent, reason }, "agent left")
    },
  })
}

/** What ran when its agent went leaves a row that says so. */
function noteLost({ device, sha256, feeds, ms }: LostRun, evidence: Evidence | undefined): void {
  const { member, id } = device
  const info = member.hardware.devices.find((d) => d.id === id)
  if (!info) return
  const inputElems = Object.values(feeds).reduce((sum, { shape }) => sum + elements(shape), 0)
  const { backend, adapter } = info
  const what = { kind: "run", device: id, backend, adapter, model: sha256, inputElems } as const
  evidence?.recordLost(member.agent, { at: Date.now(), ...what, ms, ok: false, error: "IPFA_DEVICE_LOST" })
}
