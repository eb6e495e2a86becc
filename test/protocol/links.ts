import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import type { AddressInfo, Socket } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { MessageChannel } from "node:worker_threads"
import { vi } from "vitest"
import { WebSocketServer, WebSocket as WsSocket } from "ws"
import {
  byteStreamPort,
  extensionPort,
  memoryPorts,
  messagePort,
  nativePort,
  type PeerCore,
  type Port,
  webSocketPort,
} from "../../protocol/index.ts"
import { SharedFolder } from "../../protocol/transports/shared-folder.ts"
import { connectHost } from "./native-browser.ts"
import { runtimePorts } from "./runtime-ports.ts"
import { testClient, testServer } from "./test-methods.ts"

export interface Link {
  client: PeerCore
  /** Absent where it is another process. */
  server?: PeerCore
  /** Where it has shared memory: how often this side, and the other where it is of this process, laid something down there. */
  laid?(): number
  /** Resolves when everything that was opened for the link is gone; fails if a process of it failed. */
  end(): Promise<void>
}

export interface Transport {
  name: string
  /** `transfer` empties the sender's buffers. */
  moves: boolean
  connect(): Promise<Link>
}

type Ports = [here: Port, there: Port]

function linkPorts([here, there]: Ports, end = async () => {}): Link {
  const server = testServer(there)
  const client = testClient(here)
  return {
    client,
    server,
    async end() {
      client.close()
      await server.closed
      await end()
    },
  }
}

/** The two ends of a folder that both see, and what takes it away: it has to be empty by then. */
function sharedFolders() {
  const parent = mkdtempSync(path.join(tmpdir(), "ipfa links "))
  const here = SharedFolder.make(parent, true) as SharedFolder
  const there = SharedFolder.join(here.dir) as SharedFolder
  const puts = [here, there].map((end) => vi.spyOn(end, "put"))
  return {
    here,
    there,
    laid: () => puts.flatMap(({ mock }) => mock.results).filter(({ value }) => value !== undefined).length,
    async end() {
      const left = readdirSync(here.dir)
      rmSync(parent, { recursive: true })
      if (left.length > 0) throw new Error(`left in shared memory: ${left}`)
    },
  }
}

async function linkSockets(
  open: (url: string) => Parameters<typeof webSocketPort>[0],
  shared?: ReturnType<typeof sharedFolders>,
): Promise<Link> {
  const listener = new WebSocketServer({ port: 0, host: "127.0.0.1", maxPayload: 2 ** 30 })
  await once(listener, "listening")
  const socket = open(`ws://127.0.0.1:${(listener.address() as AddressInfo).port}`)
  const here = webSocketPort(socket, { shelf: () => shared?.there })
  const [accepted] = await once(listener, "connection")
  const link = linkPorts([here, webSocketPort(accepted, { shelf: () => shared?.here })], async () => {
    listener.close()
    await once(listener, "close")
    await shared?.end()
  })
  return { ...link, ...(shared && { laid: shared.laid }) }
}

export function startChild(channel: "stdio" | "fd3", sharedDir = ""): ChildProcess {
  const file = fileURLToPath(new URL("./child.ts", import.meta.url))
  const stdio = channel === "stdio" ? ["pipe", "pipe", "inherit"] : ["ignore", "inherit", "inherit", "pipe"]
  return spawn(process.execPath, [file, channel, sharedDir], { stdio: stdio as "pipe"[] })
}

function linkChild(child: ChildProcess, port: Port, end = async () => {}): Link {
  const client = testClient(port)
  const exit = once(child, "exit")
  return {
    client,
    async end() {
      client.close()
      const [code] = await exit
      await end()
      if (code !== 0) throw new Error(`the child ended with ${code}`)
    },
  }
}

export const transports: Transport[] = [
  { name: "memory", moves: false, connect: async () => linkPorts(memoryPorts()) },
  {
    name: "MessagePort",
    moves: true,
    async connect() {
      const { port1, port2 } = new MessageChannel()
      return linkPorts([messagePort(port1 as unknown as MessagePort), messagePort(port2 as unknown as MessagePort)])
    },
  },
  { name: "WebSocket (ws)", moves: false, connect: () => linkSockets((url) => new WsSocket(url)) },
  {
    name: "WebSocket (ws) with shared memory",
    moves: false,
    connect: () => linkSockets((url) => new WsSocket(url), sharedFolders()),
  },
  { name: "WebSocket (the platform's)", moves: false, connect: () => linkSockets((url) => new WebSocket(url)) },
  {
    name: "byte stream to a child's fd 3",
    moves: false,
    async connect() {
      const child = startChild("fd3")
      const socket = child.stdio[3] as Socket
      return linkChild(child, byteStreamPort(socket, socket))
    },
  },
  {
    name: "byte stream to a child's fd 3 with shared memory",
    moves: false,
    async connect() {
      const { here: shelf, laid, end } = sharedFolders()
      const child = startChild("fd3", shelf.dir)
      const socket = child.stdio[3] as Socket
      return { ...linkChild(child, byteStreamPort(socket, socket, { shelf }), end), laid }
    },
  },
  ...(["structured_clone", "json"] as const).map((copy) => ({
    name: `extension port (${copy})`,
    moves: false,
    async connect() {
      const options = { structuredClone: copy === "structured_clone" }
      const [here, there] = runtimePorts(copy)
      return linkPorts([extensionPort(here, options), extensionPort(there, options)])
    },
  })),
  {
    name: "native messaging to a host's stdio",
    moves: false,
    async connect() {
      const host = startChild("stdio")
      return linkChild(host, nativePort(connectHost(host)))
    },
  },
]
