import { accelerateBy } from "./accelerate.ts"
import { type Connection, overConnection } from "./connection.ts"
import { toWire } from "./feeds.ts"
import { remoteSession } from "./session.ts"
import type { BenchmarkRequest, IpfsAccelerate, LoadOptions, Model, ModelReference, Session } from "./types.ts"
import { upload } from "./upload.ts"

export type RemoteMethods = Omit<IpfsAccelerate, "version" | "protocolVersion" | "features">

export interface Surroundings {
  /** A reference as whoever computes knows it; default: as it is. */
  absolute?(reference: ModelReference): ModelReference
  /** Around what takes a model, where that may have to be brought another way than by its reference. */
  bringing?: Bringing
}

/** `use` with the model as it is given, or as bytes. */
export type Bringing = <O extends { signal?: AbortSignal } | undefined, T>(
  use: (model: Model, options: O) => Promise<T>,
) => (model: Model, options: O) => Promise<T>

/** The API over a connection, whatever is at its other end. */
export function remoteMethods(
  connection: Connection,
  { absolute = (reference) => reference, bringing = (use) => use }: Surroundings = {},
): RemoteMethods {
  const place = async (model: Model, options: Parameters<typeof upload>[2]) =>
    typeof model === "string" ? absolute(model) : upload(connection, model, options)

  const open = async (
    model: Model,
    { device, agent, precision, external, signal, onProgress }: LoadOptions = {},
  ): Promise<Session> => {
    const options = { signal, onProgress }
    const references: Record<string, string> = {}
    for (const [name, bytes] of Object.entries(external ?? {})) references[name] = await place(bytes, options)
    return remoteSession(
      connection,
      { model: await place(model, options), device, agent, precision, ...(external && { external: references }) },
      options,
    )
  }
  const load = bringing(open) as IpfsAccelerate["load"]

  const measure = bringing(
    async (model, { feeds, onProgress, signal, ...request }: Omit<BenchmarkRequest, "model">) => {
      const call = { signal, ...(onProgress && { onEvent: onProgress }) }
      const params = { ...request, model: await place(model, { signal }), feeds: toWire(feeds).feeds }
      return overConnection(connection, (peer) => peer.call("benchmark.run", params, call), signal)
    },
  )

  return {
    load,
    accelerate: accelerateBy(load),
    benchmark: ({ model, ...request }) => measure(model, request),
    enable: (request) =>
      overConnection(connection, (peer) =>
        peer.call("grant.request", {
          ...request,
          // What is no list is refused where it arrives.
          ...(Array.isArray(request?.models) && { models: request.models.map(absolute) }),
        }),
      ),
    hardware: () => overConnection(connection, (peer) => peer.call("hardware.report", {})),
    status: () => overConnection(connection, (peer) => peer.call("status.get", {})),
  }
}
