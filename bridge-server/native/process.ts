import { totalmem } from "node:os"
import path from "node:path"
import { Outbox } from "../../engine/agent/outbox.ts"
import { nodeBackends } from "../../engine/backends/node.ts"
import { inProcessHost } from "../../engine/in-process-host.ts"
import { createPool } from "../../engine/pool/pool.ts"
import { nodeLibrary } from "../../engine/store/node.ts"
import { byteStreamPort, type HardwareReport, Peer, tensorBuffers } from "../../protocol/index.ts"
import { SharedFolder } from "../../protocol/transports/shared-folder.ts"
import { VERSION } from "../version.ts"
import { NARROW_LANES } from "./lanes.ts"
import { openPipe } from "./pipe.ts"
import type { ChildSettings } from "./settings.ts"
import { threadHost } from "./thread-host.ts"

/**
 * A native child process: an agent like any other, over the pipe at file descriptor 3. Its end, and not its silence, tells the bridge that it
 * died, and every loss in it is its end: the bridge starts another and runs again what ran.
 */

const settings = JSON.parse(process.env.IPFA_CHILD ?? "null") as ChildSettings
/** What was measured waits for company that long, ms: no longer, since it is lost where the process is killed. */
const RECORD_MS = 50
/** A bridge that lives answers far sooner, ms. */
const ANSWER_MS = 10_000

/** At once, whatever its threads do: `process.exit` would wait for a run to end. */
const end = () => process.kill(process.pid, "SIGKILL")
const fail = (reason: string) => {
  process.stderr.write(`${reason}\n`, end)
}

// Ctrl-C reaches every process of the terminal; the bridge decides when this one ends.
process.on("SIGINT", () => {})
process.on("SIGTERM", () => void record().finally(end))

/** Memory that came with one run's message and serves nothing else: the bridge, not this process, would run that job again. */
const movable = new WeakSet<ArrayBuffer>()
const measured = new Outbox()
let isRecording = false

const { listSupportedBackends } = await import("onnxruntime-node")
const offered = new Set(listSupportedBackends().map(({ name }) => `native-${name}`))

const pool = createPool({
  agent: settings.agent,
  browser: "native",
  version: VERSION,
  hosts: nodeBackends
    .filter(({ name }) => settings.backends.includes(name))
    .map(({ name, create }) =>
      offered.has(name)
        ? threadHost(
            { backend: name, threads: settings.threads },
            { movable, stuckMs: settings.stuckMs, onEnd: (reason) => fail(`${name}: ${reason}`) },
          )
        : // It only says why it is absent; that takes no thread.
          inProcessHost(name, () => create({})),
    ),
  budgetBytes: Math.floor(totalmem() / 2),
  // The bridge's own folder: what it has acquired and verified, by hash.
  models: nodeLibrary({ dir: path.join(settings.dataDir, "models") }),
  onMeasurement(measurement) {
    measured.add(measurement)
    recordSoon()
  },
  limits: { stuckMs: settings.stuckMs, depth: 2 * NARROW_LANES },
})

// The bridge asks in the person's name; whom it asks for, it has checked.
const served = pool.serve({ origin: "owner" })
const run = served.handlers["session.run"] as NonNullable<(typeof served.handlers)["session.run"]>
const pipe = openPipe(3)
const shelf = settings.sharedDir === undefined ? undefined : SharedFolder.join(settings.sharedDir)
const peer = new Peer(byteStreamPort(pipe.source, pipe.socket, { shelf }), {
  role: "native",
  handlers: {
    ...served.handlers,
    "session.run": (params, call) => {
      for (const buffer of tensorBuffers(Object.values(params.feeds))) movable.add(buffer)
      return run(params, call)
    },
  },
  caller: { origin: "owner" },
})
void peer.closed.then(end)

let told = await pool.hardware()
await peer.call("agent.join", {
  agent: settings.agent,
  browser: "native",
  version: VERSION,
  incarnation: settings.incarnation,
  hardware: told,
})
pool.onChange(() => void report())

/** Tells the bridge when a device went or came back; what is busy it knows better itself. */
async function report(): Promise<void> {
  const now = await pool.hardware()
  if (essence(now) === essence(told)) return
  told = now
  await peer.call("agent.beat", { running: 0, waiting: 0, hardware: now }).catch(() => {})
}

function essence({ devices, absent }: HardwareReport): string {
  return JSON.stringify([
    devices.map((d) => [d.id, d.state === "busy" ? "ready" : d.state, d.unavailableUntil]),
    absent,
  ])
}

function recordSoon(): void {
  if (isRecording) return
  isRecording = true
  setTimeout(async () => {
    isRecording = false
    if (!(await record())) recordSoon()
  }, RECORD_MS)
}

function record(): Promise<boolean> {
  return measured.flush((batch) => peer.call("agent.record", batch, { deadlineMs: ANSWER_MS }))
}
