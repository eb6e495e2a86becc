import { serialize } from "node:v8"
import type { RuntimePortLike } from "../../protocol/index.ts"

/** Chrome's limit for one structured-clone message. */
const MAX_CLONED_BYTES = 64 * 2 ** 20 - 64
/** And for one that is JSON. */
const MAX_JSON_BYTES = 64 * 2 ** 20

/**
 * Two connected chrome.runtime.Ports as Chrome's behave: messages are copied when they are posted, arrive later and in order, and are refused
 * over the limit; `disconnect` is told to the other side only, after what was posted before it; a port that is disconnected throws.
 */
export function runtimePorts(copy: "structured_clone" | "json"): [RuntimePortLike, RuntimePortLike] {
  const a = new RuntimePort(copy)
  const b = new RuntimePort(copy)
  a.other = b
  b.other = a
  return [a, b]
}

class RuntimePort implements RuntimePortLike {
  other!: RuntimePort
  readonly #copy: "structured_clone" | "json"
  #connected = true
  readonly #onMessage: ((message: unknown) => void)[] = []
  readonly #onDisconnect: (() => void)[] = []
  readonly onMessage = { addListener: (listener: (message: unknown) => void) => void this.#onMessage.push(listener) }
  readonly onDisconnect = { addListener: (listener: () => void) => void this.#onDisconnect.push(listener) }

  constructor(copy: "structured_clone" | "json") {
    this.#copy = copy
  }

  postMessage(message: unknown): void {
    if (!this.#connected) throw new Error("Attempting to use a disconnected port object")
    const copied = this.#copy === "json" ? viaJson(message) : viaClone(message)
    setImmediate(() => {
      if (this.other.#connected) for (const listener of this.other.#onMessage) listener(copied)
    })
  }

  disconnect(): void {
    if (!this.#connected) return
    this.#connected = false
    setImmediate(() => {
      if (!this.other.#connected) return
      this.other.#connected = false
      for (const listener of this.other.#onDisconnect) listener()
    })
  }
}

function viaJson(message: unknown): unknown {
  const json = JSON.stringify(message)
  if (json.length > MAX_JSON_BYTES) throw new Error("Message length exceeded maximum allowed length.")
  return JSON.parse(json)
}

function viaClone(message: unknown): unknown {
  if (serialize(message).byteLength > MAX_CLONED_BYTES)
    throw new Error("Message length exceeded maximum allowed length.")
  return structuredClone(message)
}
