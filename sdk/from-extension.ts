import { AccelerateError } from "../protocol/errors/error.ts"
import { deserialiseError } from "../protocol/errors/wire.ts"
import type { IpfsAccelerate, Session } from "./types.ts"

/**
 * The extension's methods, on an object that can be added to: its own is frozen. Its page script is a bundle apart, with error classes of its
 * own; what it throws, and what its sessions throw, is thrown here as this bundle's `AccelerateError`.
 */
export function fromExtension(api: IpfsAccelerate): IpfsAccelerate {
  return {
    version: api.version,
    protocolVersion: api.protocolVersion,
    features: api.features,
    enable: (request) => asOurs(api.enable(request)),
    hardware: () => asOurs(api.hardware()),
    load: async (model, options) => sessionAsOurs(await asOurs(api.load(model, options))),
    accelerate: (request) => asOurs(api.accelerate(request)),
    benchmark: (request) => asOurs(api.benchmark(request)),
    status: () => asOurs(api.status()),
  }
}

/** The extension's own session, whose fields change when it is opened again. */
function sessionAsOurs<S extends Session>(session: S): S {
  const { run, dispose } = session
  const ours: Pick<Session, "run" | "dispose"> = {
    async run(feeds, options) {
      const result = await asOurs(run.call(session, feeds, options))
      for (const output of Object.values(result.outputs)) {
        if (!("kept" in output)) continue
        const { dispose } = output
        output.dispose = () => asOurs(dispose())
      }
      return result as never
    },
    dispose: () => asOurs(dispose.call(session)),
  }
  return Object.assign(session, ours)
}

async function asOurs<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    throw rebuilt(error)
  }
}

/** An error with a code of ours in this bundle's class; anything else as it is. */
function rebuilt(error: unknown): unknown {
  const { code, message, data, cause } = (error ?? {}) as Partial<AccelerateError>
  if (error instanceof AccelerateError || !/^IPFA_/.test(code ?? "")) return error
  const ours = deserialiseError({ code: code as string, message: message ?? "", ...(data && { data }) })
  return cause === undefined ? ours : Object.assign(ours, { cause })
}
