import { fail, messagePort, type Port } from "../../protocol/index.ts"
import type { HostConnection, HostFactory } from "../host-factory.ts"
import type { AliveMessage, StartMessage } from "./start-message.ts"

export interface WebWorkerHostOptions {
  /** Name of a backend in engine/backends/index.ts. */
  backend: string
  /** URL of the bundled engine/worker/worker.ts. */
  workerUrl: string | URL
  /** URL of the folder with ONNX Runtime's files. */
  assetsUrl: string | URL
  threads?: number
}

/**
 * Hosts a backend in a dedicated worker. Platforms tell of a script error, but not all of a worker that was terminated or ran out of memory:
 * that the worker holds a Web Lock, and this side waits for the same one, tells at once. Where there are no locks, and MessagePorts don't
 * tell of their end either, only errors are noticed.
 */
export function webWorkerHost({ backend, workerUrl, assetsUrl, threads }: WebWorkerHostOptions): HostFactory {
  return {
    backend,
    returnsMemory: true,
    start() {
      const worker = new Worker(workerUrl, { type: "module", name: `ipfs-accelerate ${backend}` })
      const { port1, port2 } = new MessageChannel()
      const lock = `ipfs-accelerate worker ${crypto.getRandomValues(new Uint32Array(4)).join("-")}`
      const start: StartMessage = {
        backend,
        assetsUrl: new URL(assetsUrl, location.href).href,
        threads,
        lock,
        port: port2,
      }
      worker.postMessage(start, [port2])
      return supervise(worker, messagePort(port1), lock)
    },
  }
}

function supervise(worker: Worker, port: Port, lock: string): HostConnection {
  const waiting = new AbortController()
  const listeners: ((reason: string) => void)[] = []
  let over: { reason: string; error: Error } | undefined
  /** Ended by this side's own wish, which is no news. */
  let asked = false
  let endPort: ((reason?: unknown) => void) | undefined

  const end = (reason: string, cause?: Error) => {
    if (over || asked) return
    over = {
      reason,
      error: cause ?? fail("IPFA_DEVICE_LOST", { message: `The worker ended: ${reason}`, data: { reason } }),
    }
    waiting.abort()
    worker.terminate()
    endPort?.(over.error)
    for (const listener of listeners) listener(reason)
  }
  worker.addEventListener("error", ({ message }) => end(message || "its script could not be loaded"))
  worker.addEventListener("message", ({ data }: MessageEvent<AliveMessage>) => {
    if (data?.kind !== "alive") return
    navigator.locks
      .request(lock, { signal: waiting.signal }, () => end("it was killed or ran out of memory"))
      .catch(() => undefined)
  })

  return {
    port: {
      get pendingBytes() {
        return port.pendingBytes
      },
      send: (message, transfer) => port.send(message, transfer),
      start(receive, ended) {
        endPort = ended
        // A host that lost its device says why it closes, and is of no more use; Chromium tells of a port's end without a reason.
        port.start(receive, (reason) =>
          reason instanceof Error ? end(reason.message, reason) : end("its connection ended"),
        )
        if (over) ended(over.error)
      },
      close: (reason) => port.close(reason),
    },
    terminate() {
      asked = true
      waiting.abort()
      port.close()
      worker.terminate()
    },
    onExit(listener) {
      if (over) setTimeout(listener, 0, over.reason)
      else listeners.push(listener)
    },
  }
}
