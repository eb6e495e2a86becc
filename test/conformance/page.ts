/** The page under test: starts backends in workers and drives cases on them. Everything crosses to the test as JSON or as a frame's bytes. */
import { webWorkerHost } from "../../engine/worker/web-worker-factory.ts"
import { toBase64 } from "../../protocol/base64.ts"
import {
  type AbsentDevice,
  type AccelerateError,
  type DeviceInfo,
  decodeFrame,
  encodeFrame,
  joinBytes,
  Peer,
} from "../../protocol/index.ts"
import { type Drive, type Driven, drive } from "./drive.ts"

const hosts = new Map<string, Peer<unknown>>()
const workers: Worker[] = []
const exits = new Map<string, Promise<string>>()

/** Keeps hold of the workers that the factory makes, to end them behind its back. */
globalThis.Worker = class extends Worker {
  constructor(url: string | URL, options?: WorkerOptions) {
    super(url, options)
    workers.push(this)
  }
}

export type Probed = { devices: DeviceInfo[]; absent: AbsentDevice[] }
export interface PlanFile {
  model: Uint8Array<ArrayBuffer>
  plan: Drive
}
export type Outcome = { ok: true; frame: string } | { ok: false; code: string; message: string }

const api = {
  /** Runs of the drive under way that have ended. */
  runs: 0,

  /** Starts `backend` in a worker, under `name`, and probes it. */
  start(name: string, backend: string, threads?: number): Promise<Probed> {
    const { port, onExit } = webWorkerHost({ backend, workerUrl: "/worker.js", assetsUrl: "/ort/", threads }).start()
    const peer = new Peer<unknown>(port, { role: "test" })
    exits.set(name, new Promise((exited) => onExit(exited)))
    hosts.set(name, peer)
    return peer.call("device.probe", {}, { deadlineMs: 60_000 })
  },

  /** Drives the plan in the file at `url`, a frame with the model's bytes in it, on `device`. */
  async drive(name: string, device: string, url: string): Promise<Outcome> {
    const { model, plan } = decodeFrame(new Uint8Array(await (await fetch(url)).arrayBuffer())) as PlanFile
    try {
      api.runs = 0
      const driven = await drive(peer(name), device, model, plan, () => api.runs++)
      return { ok: true, frame: toBase64(joinBytes(encodeFrame(driven satisfies Driven))) }
    } catch (error) {
      const { code = "none", message } = error as AccelerateError
      return { ok: false, code, message }
    }
  },

  async heapBytes(name: string): Promise<number | undefined> {
    return (await peer(name).call("device.memory", {})).heapBytes
  },

  /** Takes away the news that Chromium gives of a MessagePort's end, as other browsers do: the worker's lock must tell then. */
  muteClosedPorts(): void {
    const { addEventListener } = MessagePort.prototype
    MessagePort.prototype.addEventListener = function (type: string, ...rest: unknown[]) {
      if (type !== "close") Reflect.apply(addEventListener, this, [type, ...rest])
    }
  },

  /** Ends the newest worker as the platform would, and says what the factory made of it. */
  killNewestWorker(name: string): Promise<string> {
    workers.at(-1)?.terminate()
    return exits.get(name) as Promise<string>
  },
}

function peer(name: string): Peer<unknown> {
  return hosts.get(name) as Peer<unknown>
}

export type PageApi = typeof api
declare global {
  var conformance: PageApi
}
globalThis.conformance = api
