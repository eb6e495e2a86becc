/** The other side of bench/transports.ts: echoes, bare and through a Peer, in a thread of its own. */
import type { AddressInfo } from "node:net"
import { type MessagePort as NodePort, parentPort } from "node:worker_threads"
import { WebSocketServer } from "ws"
import { messagePort, Peer, type Port, tensorBuffers, webSocketPort } from "../../protocol/index.ts"

function serve(port: Port): void {
  new Peer(port, {
    role: "bench",
    handlers: {
      "device.run": ({ feeds }, { transfer }) => {
        transfer(tensorBuffers(Object.values(feeds)))
        return { outputs: feeds, runMs: 0 }
      },
    },
  })
}

const listener = new WebSocketServer({ port: 0, host: "127.0.0.1", maxPayload: 2 ** 30 })
listener.on("connection", (socket, request) => {
  if (request.url === "/peer") serve(webSocketPort(socket))
  else socket.on("message", (data) => socket.send(data, { binary: true }))
})

parentPort?.once("message", ({ bare, peer }: { bare: NodePort; peer: NodePort }) => {
  bare.on("message", (data: Uint8Array<ArrayBuffer>) => bare.postMessage(data, [data.buffer]))
  serve(messagePort(peer as unknown as MessagePort))
})
listener.on("listening", () => parentPort?.postMessage((listener.address() as AddressInfo).port))
