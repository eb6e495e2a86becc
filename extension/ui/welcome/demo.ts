import { signal } from "@preact/signals"
import type { DeviceInfo, Fallback, Peer, Tensor } from "../../../protocol/index.ts"
import { demoModel } from "../demo-model.ts"
import { connected } from "../owner.ts"

/** What a model made of an image. */
export interface Reading {
  ink: Float32Array<ArrayBuffer>
  digit: number
  /** That it is a 0, a 1, … */
  probabilities: readonly number[]
  device: DeviceInfo
  /** The device that would have read it, had it been able to. */
  fellBackFrom?: Fallback
  /** On the device. */
  runMs: number
}

interface Opened {
  peer: Peer
  wanted: string
  sessionId: string
  device: DeviceInfo
  fellBackFrom?: Fallback
}

/** Whether anything was wanted yet: before that nothing of the pool is started. */
export const started = signal(false)
/** A device's selector; empty where the pool chooses. */
export const wantedDevice = signal("")
export const reading = signal<Reading | undefined>(undefined)
export const fault = signal<unknown>(undefined)
export const busy = signal(false)

let opened: Opened | undefined
let next: Float32Array<ArrayBuffer> | undefined

/** Reads `ink`, 8×8 pixels of 0 … 16. What comes while one is read is read after it; of several only the last. */
export async function read(ink: Float32Array<ArrayBuffer>): Promise<void> {
  started.value = true
  next = ink
  if (busy.peek()) return
  busy.value = true
  for (let now = take(); now; now = take()) {
    try {
      reading.value = await readNow(now)
      fault.value = undefined
    } catch (error) {
      reading.value = undefined
      fault.value = error
    }
  }
  busy.value = false
}

/** Has `device` read, from now on, and what was read last once more. */
export function readOn(device: string): void {
  wantedDevice.value = device
  const last = reading.peek()
  if (last) void read(last.ink)
}

function take(): Float32Array<ArrayBuffer> | undefined {
  const ink = next
  next = undefined
  return ink
}

async function readNow(ink: Float32Array<ArrayBuffer>): Promise<Reading> {
  const { peer, sessionId, device, fellBackFrom: opened } = await session()
  const image: Tensor = { dtype: "float32", shape: [1, 1, 8, 8], data: ink }
  const {
    outputs,
    device: ran,
    fellBackFrom = opened,
    timing,
  } = await peer.call("session.run", { sessionId, feeds: { image } }, { priority: 9 })
  const { data } = outputs.logits as Tensor
  const probabilities = softmax([...(data as Float32Array)])
  const digit = probabilities.indexOf(Math.max(...probabilities))
  return {
    ink,
    digit,
    probabilities,
    device: ran === device.id ? device : await deviceOf(peer, ran),
    fellBackFrom,
    runMs: timing.runMs,
  }
}

/** The device that a session has moved to since it was opened. */
async function deviceOf(peer: Peer, id: string): Promise<DeviceInfo> {
  const { devices } = await peer.call("hardware.report", {})
  return devices.find((device) => device.id === id) as DeviceInfo
}

/** The demo's session on the device that is wanted. */
async function session(): Promise<Opened> {
  const wanted = wantedDevice.peek()
  if (opened && !opened.peer.isClosed && opened.wanted === wanted) return opened
  if (opened && !opened.peer.isClosed) await opened.peer.call("session.close", { sessionId: opened.sessionId })
  opened = undefined
  const peer = await connected()
  const model = await demoModel(peer)
  const opening = peer.call("session.open", { model, ...(wanted && { device: wanted }) })
  const { sessionId, device, fellBackFrom } = await opening
  opened = { peer, wanted, sessionId, device, fellBackFrom }
  return opened
}

function softmax(logits: readonly number[]): number[] {
  const most = Math.max(...logits)
  const powers = logits.map((logit) => Math.exp(logit - most))
  const sum = powers.reduce((a, b) => a + b)
  return powers.map((power) => power / sum)
}
