import { Socket } from "node:net"
import { totalmem } from "node:os"
import path from "node:path"
import { nodeBackends } from "../../engine/backends/node.ts"
import { inProcessHost } from "../../engine/in-process-host.ts"
import { createPool } from "../../engine/pool/pool.ts"
import { nodeLibrary } from "../../engine/store/node.ts"
import { byteStreamPort, type HardwareReport, type Measurement, Peer } from "../../protocol/index.ts"
import { VERSION } from "../version.ts"
import { YoungGarbage } from "../young-garbage.ts"
import type { ChildSettings } from "./settings.ts"

/**
 * A native child process: an agent like any other, over the pipe at file descriptor 3. `run()` of onnxruntime-node blocks this process, so
 * its end and not its silence tells the bridge that it died.
 */

const settings = JSON.parse(process.env.IPFA_CHILD ?? "null") as ChildSettings
const RECORD_MS = 1000

// Ctrl-C reaches every process of the terminal; the bridge decides when this one ends.
process.on("SIGINT", () => {})
process.on("SIGTERM", () => process.exit(0))

const backends = nodeBackends.filter(({ name }) => isWanted(name))
const measured: Measurement[] = []
let isRecording = false

const pool = createPool({
  agent: settings.agent,
  browser: "native",
  version: VERSION,
  hosts: backends.map(({ name, create }) =>
    inProcessHost(name, () => create({ ...(settings.threads !== undefined && { threads: settings.threads }) })),
  ),
  budgetBytes: Math.floor(totalmem() / 2),
  // The bridge's own folder: what it has acquired and verified, by hash.
  models: nodeLibrary({ dir: path.join(settings.dataDir, "models") }),
  onMeasurement(measurement) {
    measured.push(measurement)
    if (!isRecording) setTimeout(record, RECORD_MS)
    isRecording = true
  },
})

// The bridge asks in the person's name; whom it asks for, it has checked.
const served = pool.serve({ origin: "owner" })
const pipe = new Socket({ fd: 3 })
const garbage = new YoungGarbage()
// Each byte twice: in the piece that was read, and in the tensor made of the pieces.
pipe.on("data", (piece) => garbage.add(2 * piece.byteLength))
const peer = new Peer(byteStreamPort(pipe, pipe), {
  role: "native",
  handlers: served.handlers,
  caller: { origin: "owner" },
})
void peer.closed.then(() => process.exit(0))

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

function record(): void {
  isRecording = false
  while (measured.length > 0) void peer.call("agent.record", { measurements: measured.splice(0, 1000) }).catch(() => {})
}

/** `native-cpu` by name; `!native-cpu` is all the others. */
function isWanted(name: string): boolean {
  return settings.backends.some((b) => (b.startsWith("!") ? b.slice(1) !== name : b === name))
}
