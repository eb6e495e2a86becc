import { fail } from "../protocol/errors/error.ts"
import type { SessionInfo } from "../protocol/methods/session.ts"
import type { Progress } from "../protocol/methods/shared.ts"
import type { PeerCore } from "../protocol/peer-core.ts"
import { type Connection, overConnection, untilDone } from "./connection.ts"
import { invalid, toWire } from "./feeds.ts"
import type { KeptTensor, LoadOptions, RunOptions, RunResult, Session, Signature } from "./types.ts"

interface Opened {
  peer: PeerCore
  info: SessionInfo
}

type OpenParams = Pick<LoadOptions, "device" | "agent" | "precision"> & {
  model: string
  external?: Record<string, string>
}

/**
 * Opens a session over a connection. Where that is lost and found again, the session is opened anew and what ran is submitted again; what
 * was kept on the device is gone then (IPFA_SESSION_KEPT).
 */
export async function remoteSession<S extends Signature = Signature>(
  connection: Connection,
  params: OpenParams,
  options: Pick<LoadOptions, "signal" | "onProgress"> = {},
): Promise<Session<S>> {
  const session = new RemoteSession(connection, params)
  await session.open(options)
  return session as unknown as Session<S>
}

class RemoteSession implements Session {
  // As the last opening said.
  declare readonly inputs: SessionInfo["inputs"]
  declare readonly outputs: SessionInfo["outputs"]
  declare readonly device: SessionInfo["device"]
  declare readonly fellBackFrom: SessionInfo["fellBackFrom"]
  declare readonly model: SessionInfo["model"]
  declare readonly loadMs: number
  declare readonly openMs: number
  declare readonly stored: boolean
  declare readonly note?: string
  readonly #connection: Connection
  readonly #params: OpenParams
  #opened: Promise<Opened> | undefined
  #disposed = false

  constructor(connection: Connection, params: OpenParams) {
    this.#connection = connection
    this.#params = params
  }

  open({ signal, onProgress }: Pick<LoadOptions, "signal" | "onProgress">): Promise<Opened> {
    const call = { signal, ...(onProgress && { onEvent: (event: Progress) => onProgress(event) }) }
    const open = async (peer: PeerCore) => {
      const info = await peer.call("session.open", this.#params, call)
      const { sessionId, ...told } = info
      Object.assign(this, { fellBackFrom: undefined, note: undefined }, told)
      const opened = { peer, info }
      this.#opened = Promise.resolve(opened)
      return opened
    }
    return overConnection(this.#connection, open, signal)
  }

  async run<Keep extends string = never>(
    given: Record<string, unknown>,
    options: RunOptions<Keep> = {},
  ): Promise<RunResult<Signature, Keep>> {
    const { feeds, buffers } = toWire(given, options.transfer)
    const { priority, keep, outputs, deadlineMs } = options
    const key = options.key ?? (this.#connection.keyed ? crypto.randomUUID() : undefined)
    const startedAt = performance.now()
    const signal = withDeadline(options.signal, deadlineMs)
    const submit = async ({ peer, info }: Opened) => {
      const result = await peer.call(
        "session.run",
        { sessionId: info.sessionId, keep, outputs, feeds },
        {
          signal,
          priority,
          key,
          transfer: buffers,
          ...(deadlineMs !== undefined && { deadlineMs: Math.max(0, deadlineMs - performance.now() + startedAt) }),
        },
      )
      for (const [name, output] of Object.entries(result.outputs))
        if ("kept" in output) result.outputs[name] = this.#kept(output, peer, info)
      return result as unknown as RunResult<Signature, Keep>
    }
    // Buffers that were moved away can't be sent again.
    const again = () => buffers.every((buffer) => buffer.byteLength > 0)
    return untilDone(() => this.#current(), submit, { signal, again })
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    const opened = await this.#opened?.catch(() => undefined)
    if (!opened || opened.peer.isClosed) return
    await opened.peer.call("session.close", { sessionId: opened.info.sessionId }).catch(ignoreLost(opened.peer))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  /** The session on a living connection; all who find the last one dead wait for one reopening. */
  async #current(): Promise<Opened> {
    if (this.#disposed) throw fail("IPFA_SESSION_UNKNOWN", { message: "The session was disposed of." })
    const last = this.#opened
    const opened = await last?.catch(() => undefined)
    if (opened && !opened.peer.isClosed) return opened
    if (this.#opened === last) {
      const again = this.open({})
      this.#opened = again
      again.catch(() => {})
    }
    return this.#opened as Promise<Opened>
  }

  #kept(wire: { dtype: KeptTensor["dtype"]; shape: number[]; kept: string }, peer: PeerCore, info: SessionInfo) {
    const { sessionId } = info
    return {
      ...wire,
      dispose: async () => {
        if (!peer.isClosed) await peer.call("session.release", { sessionId, kept: [wire.kept] }).catch(ignoreLost(peer))
      },
    } satisfies KeptTensor
  }
}

/** What is to be given back is gone with the connection. */
function ignoreLost(peer: PeerCore) {
  return (error: unknown) => {
    if (!peer.isClosed) throw error
  }
}

function withDeadline(signal: AbortSignal | undefined, deadlineMs: number | undefined): AbortSignal | undefined {
  if (deadlineMs === undefined) return signal
  // Whole numbers alone, and none below 0: platforms refuse others.
  const wholeMs = Math.max(0, Math.ceil(deadlineMs))
  if (!(wholeMs >= 0)) throw invalid("deadlineMs", "a number of milliseconds")
  const deadline = AbortSignal.timeout(Math.min(wholeMs, 2 ** 31 - 1))
  return signal ? AbortSignal.any([signal, deadline]) : deadline
}
