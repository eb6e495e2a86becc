/** The entry of a dedicated worker that hosts one backend. One message starts it: see start-message.ts. */
import { fail, messagePort } from "../../protocol/index.ts"
import { browserBackends } from "../backends/index.ts"
import { serveBackend } from "../host.ts"
import type { AliveMessage, StartMessage } from "./start-message.ts"
import { countWasmMemory } from "./wasm-heap.ts"

// Before the runtime makes its own.
const heapBytes = countWasmMemory()

addEventListener(
  "message",
  ({ data }: MessageEvent<StartMessage>) => {
    holdLock(data.lock)
    serveBackend(create(data), data.backend, messagePort(data.port))
  },
  { once: true },
)

async function create({ backend, assetsUrl, threads }: StartMessage) {
  const definition = browserBackends.find((b) => b.name === backend)
  if (!definition) throw fail("IPFA_DEVICE_ABSENT", { data: { device: backend, reason: "no such backend" } })
  const created = await definition.create({ assetsUrl, threads })
  created.heapBytes ??= heapBytes
  return created
}

/** The platform lets go of the lock when this worker ends, however it ends. */
function holdLock(name: string): void {
  // Absent outside secure contexts, refused in opaque origins: then only a crash that the platform reports is noticed.
  navigator.locks
    ?.request(name, () => {
      postMessage({ kind: "alive" } satisfies AliveMessage)
      return new Promise<never>(() => undefined)
    })
    .catch(() => undefined)
}
