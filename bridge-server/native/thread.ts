import { type MessagePort, workerData } from "node:worker_threads"
import { nodeBackends } from "../../engine/backends/node.ts"
import { serveBackend } from "../../engine/host.ts"
import { type Message, type MessageChannelLike, messagePort, type Tensor, tensorBytes } from "../../protocol/index.ts"
import { YoungGarbage } from "../garbage.ts"
import type { ThreadData } from "./thread-host.ts"

/** Hosts one backend: `run()` of onnxruntime-node blocks this thread, and nothing else. */
const { backend, threads, port } = workerData as ThreadData & { port: MessagePort }
const definition = nodeBackends.find((b) => b.name === backend)
if (!definition) throw new Error(`There is no backend ${backend}.`)

const garbage = new YoungGarbage()
port.on("message", (message: Message) => {
  if (message.kind !== "call" || message.method !== "device.run") return
  const { feeds } = message.params as { feeds: Record<string, Tensor> }
  for (const tensor of Object.values(feeds)) garbage.add(tensorBytes(tensor))
})
serveBackend(
  definition.create(threads === undefined ? {} : { threads }),
  backend,
  messagePort(port as unknown as MessageChannelLike),
)
