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

export interface ThreadData {
  backend: string
  threads: number | undefined
}

/**
 * Hosts a backend in a thread, so that the next job's tensors are read while one computes. `onEnd` is called instead of ending the thread: nothing
 * can interrupt native code, and a driver that failed is not to be trusted again, so it is the process that ends.
 * Feeds in `movable` memory are moved to the thread, not copied.
 */
export function threadHost(
  data: ThreadData,
  movable: WeakSet<ArrayBuffer>,
  onEnd: (reason: string) => void,
): HostFactory {
  return {
    backend: data.backend,
    start() {
      const { port1, port2 } = new MessageChannel()
      const worker = new Worker(fileURLToPath(files.child), {
        workerData: { ...data, port: port2 },
        transferList: [port2],
      })
      worker.on("error", (error) => onEnd(error.message))
      worker.on("exit", () => onEnd("its thread ended"))
      return {
        port: movingFeeds(messagePort(port1 as unknown as MessageChannelLike), movable),
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
