import type { BrowserBackendName } from "../engine/backends/names.ts"
import { FEATURES } from "../protocol/discovery.ts"
import { fail } from "../protocol/errors/error.ts"
import { PROTOCOL_VERSION } from "../protocol/version.ts"
import { ownGrant } from "./own-grant.ts"
import type { IpfsAccelerate } from "./types.ts"
import { VERSION } from "./version.ts"
import { wholeAddress } from "./whole-address.ts"

export interface InPageOptions {
  /** URL of this package's `worker.js`, on the page's own origin. */
  workerUrl?: string | URL
  /** URL of the folder with onnxruntime-web's `.mjs` and `.wasm` files. */
  assetsUrl?: string | URL
  /** Default: all there are. */
  backends?: readonly BrowserBackendName[]
  /** Models may come from loopback addresses. Default: where the page itself does. */
  allowLoopback?: boolean
  /** Names the store in the origin's storage. */
  storeName?: string
}

export interface InPageAccelerator extends IpfsAccelerate {
  /** Ends the engine and its workers. */
  close(): void
}

/** The engine in the page itself: the same pool as the extension's, for this page alone. Throws IPFA_EXTENSION_ABSENT where the app did not say where its files are. */
export async function inPageAccelerator(options: InPageOptions = {}): Promise<InPageAccelerator> {
  const { workerUrl, assetsUrl } = options
  if (!workerUrl || !assetsUrl)
    throw fail("IPFA_EXTENSION_ABSENT", {
      message:
        "The extension is not there, and the engine in the page needs workerUrl (this package's worker.js) and assetsUrl (onnxruntime-web's files).",
      data: { reason: "workerUrl or assetsUrl was not given" },
    })
  const [
    { createPool },
    { browserBackendNames },
    { browserLibrary },
    { webWorkerHost },
    { Peer },
    { messagePort },
    { remoteMethods },
  ] = await Promise.all([
    import("../engine/index.ts"),
    import("../engine/backends/names.ts"),
    import("../engine/store/browser.ts"),
    import("../engine/worker/web-worker-factory.ts"),
    import("../protocol/peer.ts"),
    import("../protocol/transports/message-port.ts"),
    import("./accelerator.ts"),
  ])
  const allowLoopback = options.allowLoopback ?? ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname)
  const pool = createPool({
    agent: `page-${crypto.randomUUID()}`,
    browser: "page",
    version: VERSION,
    hosts: (options.backends ?? browserBackendNames).map((backend) => webWorkerHost({ backend, workerUrl, assetsUrl })),
    models: browserLibrary({ allowLoopback, ...(options.storeName && { name: options.storeName }) }),
  })
  // A channel, so that buffers are copied or moved here as they are on the way to the extension.
  const { port1, port2 } = new MessageChannel()
  const caller = { origin: location.origin }
  const { handlers, dispose } = pool.serve(caller)
  const served = new Peer(messagePort(port2), { role: "pool", handlers, caller })
  void served.closed.then(dispose)
  const peer = new Peer(messagePort(port1), { role: "page" })
  // A worker has no document.
  const absolute = (reference: string) => wholeAddress(reference, globalThis.document?.baseURI ?? location.href)
  return {
    version: VERSION,
    protocolVersion: PROTOCOL_VERSION,
    features: FEATURES,
    ...remoteMethods({ peer: async () => peer }, { absolute }),
    enable: async (request) => ownGrant(location.origin, request),
    close() {
      peer.close()
      served.close()
      pool.close()
    },
  }
}
