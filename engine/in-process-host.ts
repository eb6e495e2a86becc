import { fail, memoryPorts } from "../protocol/index.ts"
import type { Backend } from "./backend.ts"
import { serveBackend } from "./host.ts"
import type { HostFactory } from "./host-factory.ts"

/**
 * Hosts a backend where the pool itself runs: in a native child process, which is ended as a whole, and in pages without workers.
 * `create` makes a fresh backend for each start, since a lost one is not used again.
 */
export function inProcessHost(name: string, create: () => Backend | Promise<Backend>): HostFactory {
  return {
    backend: name,
    start() {
      const [here, there] = memoryPorts()
      const peer = serveBackend(Promise.resolve().then(create), name, there)
      return {
        port: here,
        terminate: () => peer.close(fail("IPFA_PROTOCOL_CLOSED", { message: "The host was ended." })),
        // Nothing ends by itself here that would not end this pool with it; a lost device shows as the port's end.
        onExit: () => undefined,
      }
    },
  }
}
