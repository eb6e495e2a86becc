import { type Message, memoryPorts, type PeerCore, type PeerOptions, type Port } from "../../protocol/index.ts"
import { testClient, testServer } from "./test-methods.ts"

/** The other end of a real peer: sends whatever a test says, valid or not, and records what comes. */
export interface RawPeer {
  peer: PeerCore
  received: Message[]
  send(message: unknown): void
  close(reason?: string): void
  /** Resolves with the first message that `wanted` takes, or undefined when the connection ended before one came. */
  next(wanted: (message: Message) => boolean): Promise<Message | undefined>
  /** True while the peer still answers; what was sent before has been taken in. */
  alive(): Promise<boolean>
}

export const hello: Message = { kind: "hello", versions: [1, 1], role: "raw", software: "raw" }

/** `side` is what the peer is; pass `greet: false` to send the hello yourself. */
export function rawPeer(
  side: "client" | "server",
  { greet = true, ...options }: Partial<PeerOptions<undefined>> & { greet?: boolean } = {},
): RawPeer {
  const [here, there] = memoryPorts()
  const received: Message[] = []
  const waiting = new Set<{ wanted(message: Message): boolean; resolve(message: Message | undefined): void }>()
  let ended = false
  const raw: Omit<Port, "send"> & { send(message: unknown): void } = there
  raw.start(
    (message) => {
      received.push(message as Message)
      for (const w of [...waiting]) if (w.wanted(message as Message)) waiting.delete(w) && w.resolve(message as Message)
    },
    () => end(),
  )
  const end = () => {
    ended = true
    for (const w of waiting) w.resolve(undefined)
  }
  const peer = (side === "server" ? testServer : testClient)(here, options)
  // After its own bye this side is told nothing more.
  void peer.closed.then(end)
  if (greet) raw.send(hello)
  let probe = 1_000_000
  const next = (wanted: (message: Message) => boolean) =>
    new Promise<Message | undefined>((resolve) => {
      const there = received.find(wanted)
      if (there || ended) resolve(there)
      else waiting.add({ wanted, resolve })
    })
  return {
    peer,
    received,
    send: (message) => raw.send(message),
    close: (reason) => raw.close(reason),
    next,
    async alive() {
      const id = ++probe
      // A client serves nothing, which it says.
      raw.send({ kind: "call", id, method: "test.ends", params: {} })
      return (await next((m) => "id" in m && m.id === id)) !== undefined
    },
  }
}
