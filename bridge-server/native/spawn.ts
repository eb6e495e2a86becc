import { type ChildProcess, spawn } from "node:child_process"
import type { Duplex } from "node:stream"
import { fileURLToPath } from "node:url"
import { byteStreamPort, type HardwareReport, Peer } from "../../protocol/index.ts"
import { files } from "../files.ts"
import { type AgentParts, agentConnection } from "../fleet/agents.ts"
import { authorise, type BridgeCaller } from "../fleet/caller.ts"
import type { SharedMemory } from "../shared-memory.ts"
import type { ChildSettings } from "./settings.ts"

export interface NativeOptions {
  /** Its name in the fleet. */
  agent: string
  backends: readonly string[]
  dataDir: string
  threads?: number
  /** For its large tensors. */
  memory?: SharedMemory | undefined
  /** A child that finds no device is not kept; its reasons are. */
  optional?: boolean
  /** A child whose run goes on so long after its job was given up is ended, ms: `run()` can't be interrupted any other way. Default 30 s. */
  stuckMs?: number
}

/** A crash is followed by a start at once; one that follows closely waits twice as long as the last did. */
const BACKOFF_MS = [0, 250, 500, 1000, 2000, 4000, 8000, 15_000, 30_000]
/** A life of this length counts as a good one. */
const GOOD_LIFE_MS = 30_000
const STOP_MS = 2000
const STUCK_MS = 30_000

/** Keeps one native child alive: starts it, joins it to the fleet, and starts another when it ends in any way but ours. */
export class NativeProcess {
  readonly agent: string
  readonly #options: NativeOptions
  readonly #parts: AgentParts
  #child: ChildProcess | undefined
  #incarnation = Date.now()
  #failures = 0
  #timer: NodeJS.Timeout | undefined
  #closing = false

  constructor(options: NativeOptions, parts: AgentParts) {
    this.agent = options.agent
    this.#options = options
    this.#parts = parts
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  start(): void {
    const { agent, backends, dataDir, threads, memory, stuckMs = STUCK_MS } = this.#options
    const { log } = this.#parts
    const shelf = memory?.folder(true)
    this.expect("the native process is starting")
    const startedAt = performance.now()
    const settings: ChildSettings = {
      agent,
      backends,
      dataDir,
      incarnation: ++this.#incarnation,
      stuckMs,
      ...(threads !== undefined && { threads }),
      ...(shelf && { sharedDir: shelf.dir }),
    }
    const child = spawn(process.execPath, [...process.execArgv.filter(isTypeFlag), fileURLToPath(files.child)], {
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      env: { ...process.env, IPFA_CHILD: JSON.stringify(settings) },
      windowsHide: true,
    })
    this.#child = child
    logWords(child, log, agent)
    const pipe = child.stdio[3] as Duplex
    const caller: BridgeCaller = { origin: `agent:${agent}`, role: "native", agent, address: "" }
    const peer: Peer<BridgeCaller> = new Peer<BridgeCaller>(byteStreamPort(pipe, pipe, { shelf }), {
      role: "bridge",
      caller,
      authorise,
      handlers: this.#handlers(() => peer),
    })
    void peer.closed.then(() => shelf?.remove())
    const ended = (reason: string) => {
      if (this.#child !== child) return
      this.#child = undefined
      peer.close()
      if (this.#closing) return
      this.#failures = performance.now() - startedAt > GOOD_LIFE_MS ? 0 : this.#failures + 1
      const wait = BACKOFF_MS[Math.min(this.#failures - 1, BACKOFF_MS.length - 1)] ?? 0
      log.warn({ agent, reason, restartInMs: wait }, "native process ended")
      this.expect(`the native process ended (${reason}) and is started again`)
      this.#timer = setTimeout(() => this.start(), wait)
    }
    child.on("error", (error) => ended(error.message))
    child.on("exit", (code, signal) => ended(signal ? `killed by ${signal}` : `exit code ${code}`))
    // The pipe ends before the process is known to have: those whose job was lost look for another device at once, and are to find that
    // this one comes again. A pipe that broke alone leaves a child to which nothing more can be said.
    void peer.closed.then(() => {
      if (this.#child !== child || this.#closing) return
      this.expect("the native process ended and is started again")
      child.kill("SIGKILL")
    })
  }

  async stop(): Promise<void> {
    this.#closing = true
    clearTimeout(this.#timer)
    this.#parts.fleet.unexpect(this.agent)
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()))
    child.kill("SIGTERM")
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS)
    await exited
    clearTimeout(timer)
  }

  #handlers(peer: () => Peer<BridgeCaller>) {
    const { fleet } = this.#parts
    const handlers = agentConnection(this.#parts, peer)
    const join = handlers["agent.join"]
    return {
      ...handlers,
      "agent.join": (
        params: Parameters<NonNullable<typeof join>>[0],
        call: Parameters<NonNullable<typeof join>>[1],
      ) => {
        if (!this.#options.optional || params.hardware.devices.length > 0) return join!(params, call)
        // Nothing to compute on: the process is not kept, what it found out is.
        fleet.addAbsent(this.agent, absentOf(this.agent, params.hardware))
        fleet.unexpect(this.agent)
        setImmediate(() => void this.stop())
        return { agent: this.agent, heartbeatMs: 0 }
      },
    }
  }

  /** Says that it comes, before it is started: what it may have is waited for. */
  expect(reason: string, isFirst = false): void {
    const { agent, backends } = this.#options
    const browser = "native" as const
    this.#parts.fleet.expect(
      agent,
      backends.map((backend) => ({ id: backend, backend, agent, browser, reason })),
      isFirst,
    )
  }
}

/** What runtimes and drivers print: it may quote what a model was fed. */
function logWords(child: ChildProcess, log: AgentParts["log"], agent: string): void {
  for (const stream of [child.stdout, child.stderr])
    stream
      ?.setEncoding("utf8")
      .on("data", (chunk: string) => log.debug({ agent, said: chunk.trim() }, "native process printed"))
}

function absentOf(agent: string, { absent }: HardwareReport): HardwareReport["absent"] {
  return absent.map((a) => ({ ...a, agent, browser: "native" }))
}

/** Flags that decide whether TypeScript runs at all. */
function isTypeFlag(flag: string): boolean {
  return /^--(experimental-)?(strip-types|transform-types|enable-source-maps|no-warnings)/.test(flag)
}
