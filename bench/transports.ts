/**
 * `node bench/transports.ts [--budget MS] [--case TEXT]`: our Peer over MessagePort against bare postMessage, and over WebSocket against a
 * bare `ws` echo, by size: the round trip of one message, and the throughput of several at once, there and back counted. The other side is
 * a thread of its own. Bare is the channel alone: no call, no answer to match, no check of what came.
 */
import { once } from "node:events"
import { parseArgs } from "node:util"
import { MessageChannel, Worker } from "node:worker_threads"
import { WebSocket } from "ws"
import { messagePort, Peer, webSocketPort } from "../protocol/index.ts"
import { type Arm, compare, printRows, type Row, writeResult } from "./harness.ts"

const { values: options } = parseArgs({
  options: { budget: { type: "string", default: "10000" }, case: { type: "string", default: "" } },
})
const MIB = 2 ** 20
const sizes: [name: string, bytes: number, inner: number][] = [
  ["1 KiB", 1024, 50],
  ["64 KiB", 64 * 1024, 20],
  ["1 MiB", MIB, 4],
  ["16 MiB", 16 * MIB, 1],
  ["64 MiB", 64 * MIB, 1],
]

/** Sends an array and resolves with what comes back. */
type Echo = (data: Float32Array<ArrayBuffer>) => Promise<Float32Array<ArrayBuffer>>

const worker = new Worker(new URL("./transports/echo-worker.ts", import.meta.url))
const [tcpPort] = (await once(worker, "message")) as [number]
const bareChannel = new MessageChannel()
const peerChannel = new MessageChannel()
worker.postMessage({ bare: bareChannel.port2, peer: peerChannel.port2 }, [bareChannel.port2, peerChannel.port2])

function peerEcho(peer: Peer, transfer: boolean): Echo {
  return async (data) => {
    const x = { dtype: "float32" as const, shape: [data.length], data }
    const params = { handle: "echo", feeds: { x } }
    const { outputs } = await peer.call("device.run", params, transfer ? { transfer: [data.buffer] } : {})
    return (outputs.x as typeof x).data
  }
}

/** Of a channel that answers in order. */
function bareEcho(send: (bytes: Uint8Array<ArrayBuffer>) => void) {
  const waiting: ((data: Float32Array<ArrayBuffer>) => void)[] = []
  return {
    echo: ((data) => {
      send(new Uint8Array(data.buffer))
      return new Promise((resolve) => waiting.push(resolve))
    }) as Echo,
    arrive(bytes: Uint8Array<ArrayBuffer>) {
      // Numbers again, as a caller wants them.
      const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
      waiting.shift()?.(new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4))
    },
  }
}

const url = `ws://127.0.0.1:${tcpPort}`
const bareSocket = new WebSocket(`${url}/bare`, { perMessageDeflate: false })
const peerSocket = new WebSocket(`${url}/peer`, { perMessageDeflate: false })
const overSocket = new Peer(webSocketPort(peerSocket), { role: "bench" })
const overPort = new Peer(messagePort(peerChannel.port1 as unknown as MessagePort), { role: "bench" })
const socketEcho = bareEcho((bytes) => bareSocket.send(bytes))
const portEcho = (transfer: boolean) =>
  bareEcho((bytes) => bareChannel.port1.postMessage(bytes, transfer ? [bytes.buffer] : []))
const [copyEcho, moveEcho] = [portEcho(false), portEcho(true)]
bareSocket.on("message", socketEcho.arrive)
// Only one of the two has a message on its way at a time.
let onPort = copyEcho
bareChannel.port1.on("message", (bytes: Uint8Array<ArrayBuffer>) => onPort.arrive(bytes))
const viaPort = (bare: typeof copyEcho): Echo => {
  return (data) => {
    onPort = bare
    return bare.echo(data)
  }
}
await once(bareSocket, "open")
await Promise.all([overSocket.ready, overPort.ready])

interface Channel {
  name: string
  ours: Echo
  bareName: string
  bare: Echo
  /** What is sent is gone, and what comes back is sent next. */
  moves: boolean
}
const channels: Channel[] = [
  {
    name: "MessagePort",
    ours: peerEcho(overPort, false),
    bareName: "postMessage",
    bare: viaPort(copyEcho),
    moves: false,
  },
  {
    name: "MessagePort, transfer",
    ours: peerEcho(overPort, true),
    bareName: "postMessage, transfer",
    bare: viaPort(moveEcho),
    moves: true,
  },
  { name: "WebSocket", ours: peerEcho(overSocket, false), bareName: "ws", bare: socketEcho.echo, moves: false },
]

/** One run: so many arrays at once there and back, and a look at whether they are what was sent. */
function arm(name: string, echo: Echo, { moves }: Channel, bytes: number, atOnce: number): Arm {
  const arrays = Array.from({ length: atOnce }, (_, i) => new Float32Array(bytes / 4).fill(i + 1))
  return {
    name,
    async run() {
      const back = await Promise.all(arrays.map(echo))
      for (const [i, data] of back.entries()) {
        if (data.length !== bytes / 4 || data[0] !== i + 1 || data.at(-1) !== i + 1)
          throw new Error("not what was sent")
        if (moves) arrays[i] = data
      }
    },
  }
}

const rows: Row[] = []
for (const channel of channels)
  for (const [size, bytes, inner] of sizes)
    for (const kind of ["round trip", "throughput"]) {
      const name = `${kind}, ${size}, ${channel.name}`
      if (!name.includes(options.case)) continue
      // A transfer moves no bytes: one size says it all.
      if (channel.moves && (bytes !== MIB || kind === "throughput")) continue
      // As many at once as make 64 MiB, at most 32; one of the largest is a throughput by itself.
      const atOnce = kind === "round trip" ? 1 : Math.min(32, Math.max(1, (64 * MIB) / bytes))
      if (kind === "throughput" && atOnce === 1) continue
      const row = await compare({
        case: name,
        subject: arm("Peer", channel.ours, channel, bytes, atOnce),
        baseline: arm(channel.bareName, channel.bare, channel, bytes, atOnce),
        unit: kind === "round trip" ? "ms" : "MiB/s",
        inner: kind === "round trip" ? inner : 1,
        work: (2 * atOnce * bytes) / MIB,
        budgetMs: Number(options.budget),
        ...(atOnce > 1 && { note: `${atOnce} at once` }),
        ...(channel.moves && { note: "nothing is copied: what is measured is a call's own cost" }),
      })
      console.error(`${name}: ${row.ratio}`)
      rows.push(row)
    }
if (options.case === "") writeResult("transports", rows)
else printRows(rows)
await worker.terminate()
process.exit(0)
