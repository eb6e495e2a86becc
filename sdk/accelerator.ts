import { accelerateBy } from "./accelerate.ts"
import { type Connection, overConnection } from "./connection.ts"
import { toWire } from "./feeds.ts"
import { remoteSession } from "./session.ts"
import type { IpfsAccelerate, LoadOptions, ModelReference, Session, Signature } from "./types.ts"
import { upload } from "./upload.ts"

export type RemoteMethods = Omit<IpfsAccelerate, "version" | "protocolVersion" | "features">

/** The API over a connection, whatever is at its other end. */
export function remoteMethods(connection: Connection): RemoteMethods {
  async function load<S extends Signature = Signature>(
    model: ModelReference | Blob | Uint8Array,
    { device, agent, precision, external, signal, onProgress }: LoadOptions = {},
  ): Promise<Session<S>> {
    const place = async (bytes: ModelReference | Blob | Uint8Array) =>
      typeof bytes === "string" ? bytes : upload(connection, bytes, { signal, onProgress })
    const references: Record<string, string> = {}
    for (const [name, bytes] of Object.entries(external ?? {})) references[name] = await place(bytes)
    return remoteSession<S>(
      connection,
      { model: await place(model), device, agent, precision, ...(external && { external: references }) },
      { signal, onProgress },
    )
  }

  return {
    load,
    accelerate: accelerateBy(load),
    enable: (request) => overConnection(connection, (peer) => peer.call("grant.request", request)),
    hardware: () => overConnection(connection, (peer) => peer.call("hardware.report", {})),
    status: () => overConnection(connection, (peer) => peer.call("status.get", {})),
    async benchmark({ feeds, onProgress, signal, ...request }) {
      const call = { signal, ...(onProgress && { onEvent: onProgress }) }
      const params = { ...request, feeds: toWire(feeds).feeds }
      return overConnection(connection, (peer) => peer.call("benchmark.run", params, call), signal)
    },
  }
}
