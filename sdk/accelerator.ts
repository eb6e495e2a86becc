import { accelerateBy } from "./accelerate.ts"
import { type Connection, overConnection } from "./connection.ts"
import { toWire } from "./feeds.ts"
import { remoteSession } from "./session.ts"
import type { IpfsAccelerate, LoadOptions, ModelReference, Session, Signature } from "./types.ts"
import { upload } from "./upload.ts"

export type RemoteMethods = Omit<IpfsAccelerate, "version" | "protocolVersion" | "features">

export interface Surroundings {
  /** A reference as whoever computes knows it; default: as it is. */
  absolute?(reference: ModelReference): ModelReference
}

/** The API over a connection, whatever is at its other end. */
export function remoteMethods(
  connection: Connection,
  { absolute = (reference) => reference }: Surroundings = {},
): RemoteMethods {
  const place = async (model: ModelReference | Blob | Uint8Array, options: Parameters<typeof upload>[2]) =>
    typeof model === "string" ? absolute(model) : upload(connection, model, options)

  async function load<S extends Signature = Signature>(
    model: ModelReference | Blob | Uint8Array,
    { device, agent, precision, external, signal, onProgress }: LoadOptions = {},
  ): Promise<Session<S>> {
    const options = { signal, onProgress }
    const references: Record<string, string> = {}
    for (const [name, bytes] of Object.entries(external ?? {})) references[name] = await place(bytes, options)
    return remoteSession<S>(
      connection,
      { model: await place(model, options), device, agent, precision, ...(external && { external: references }) },
      options,
    )
  }

  return {
    load,
    accelerate: accelerateBy(load),
    enable(request) {
      const { models } = request ?? {}
      // What is no list is refused where it arrives.
      const params = { ...request, ...(Array.isArray(models) && { models: models.map((model) => absolute(model)) }) }
      return overConnection(connection, (peer) => peer.call("grant.request", params))
    },
    hardware: () => overConnection(connection, (peer) => peer.call("hardware.report", {})),
    status: () => overConnection(connection, (peer) => peer.call("status.get", {})),
    async benchmark({ model, feeds, onProgress, signal, ...request }) {
      const call = { signal, ...(onProgress && { onEvent: onProgress }) }
      const params = { ...request, model: absolute(model), feeds: toWire(feeds).feeds }
      return overConnection(connection, (peer) => peer.call("benchmark.run", params, call), signal)
    },
  }
}
