import type { ChildProcess } from "node:child_process"
import type { Readable, Writable } from "node:stream"
import { LengthReader, lengthPrefix, MAX_NATIVE_MESSAGE_BYTES, type RuntimePortLike } from "../../protocol/index.ts"

/** A browser's side of a native messaging host: what `connectNative` gives, with Chrome's limits, over a real process's stdin and stdout. */
export function connectHost(host: ChildProcess): RuntimePortLike {
  const input = host.stdout as Readable
  const output = host.stdin as Writable
  const onMessage: ((message: unknown) => void)[] = []
  const onDisconnect: (() => void)[] = []
  let connected = true
  const ended = () => {
    if (!connected) return
    connected = false
    for (const listener of onDisconnect) listener()
  }
  const reader = new LengthReader(MAX_NATIVE_MESSAGE_BYTES, (body) => {
    const message = JSON.parse(new TextDecoder().decode(body))
    if (connected) for (const listener of onMessage) listener(message)
  })
  input.on("data", (chunk: Uint8Array) => {
    try {
      reader.push(chunk)
    } catch {
      // What Chrome does with a host that sends too much.
      host.kill()
    }
  })
  input.on("end", ended)
  output.on("error", ended)
  return {
    onMessage: { addListener: (listener) => onMessage.push(listener) },
    onDisconnect: { addListener: (listener) => onDisconnect.push(listener) },
    postMessage(message) {
      if (!connected) throw new Error("Attempting to use a disconnected port object")
      const body = Buffer.from(JSON.stringify(message))
      output.write(lengthPrefix(body.byteLength))
      output.write(body)
    },
    disconnect() {
      connected = false
      output.end()
    },
  }
}
