import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { MessageChannel, Worker } from "node:worker_threads"
import type { HostFactory } from "../../engine/host-factory.ts"
import {
  type KeptTensor,
  type Message,
  type MessageChannelLike,
  messagePort,
  type Port,
  type Tensor,
  tensorBuffers,
} from "../../protocol/index.ts"
import { files } from "../files.ts"
import { lanes, NARROW_LANES } from "./lanes.ts"

export interface ThreadData {
  backend: string
  threads: number | undefined
}

export interface ThreadOptions {
  /** Feeds in this memory are moved to the thread, not copied. */
  movable: WeakSet<ArrayBuffer>
  /** A run may go on so long after its job was given up, ms. */
  stuckMs: number
  /** Called instead of ending a thread: nothing can interrupt native code, and a driver that failed is not to be trusted again, so it is the process that ends. */
  onEnd(reason: string): void
}

/** Hosts a backend in a thread, so that the next job's tensors are read while one computes; the CPU in some more, for crowds. */
export function threadHost(data: ThreadData, { movable, stuckMs, onEnd }: ThreadOptions): HostFactory {
  const thread = (threads: number | undefined) => {
    const { port1, port2 } = new MessageChannel()
    const worker = new Worker(fileURLToPath(files.child), {
      workerData: { ...data, threads, port: port2 },
      transferList: [port2],
    })
    worker.on("error", (error) => onEnd(error.message))
    worker.on("exit", () => onEnd("its thread ended"))
    return movingFeeds(messagePort(port1 as unknown as MessageChannelLike), movable)
  }
  const all = data.threads ?? availableParallelism()
  const onStuck = () => onEnd("a run that was given up did not end")
  return {
    backend: data.backend,
    start() {
      const wide = thread(data.threads)
      const narrow = () => thread(Math.floor(all / NARROW_LANES))
      return {
        port: data.backend === "native-cpu" && all >= NARROW_LANES ? lanes(wide, narrow, { stuckMs, onStuck }) : wide,
        terminate: () => onEnd("it did not end what it was told to"),
        onExit: () => undefined,
      }
    },
  }
}

function movingFeeds(port: Port, movable: WeakSet<ArrayBuffer>): Port {
  return {
    get pendingBytes() {
      return port.pendingBytes
    },
    send(message: Message, transfer) {
      if (message.kind !== "call" || message.method !== "device.run") return port.send(message, transfer)
      const { feeds } = message.params as { feeds: Record<string, Tensor | KeptTensor> }
      port.send(
        message,
        tensorBuffers(Object.values(feeds)).filter((buffer) => movable.delete(buffer)),
      )
    },
    start: (receive, ended) => port.start(receive, ended),
    close: (reason) => port.close(reason),
  }
}
