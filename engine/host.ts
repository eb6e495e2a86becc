import {
  type AbsentDevice,
  asAccelerateError,
  type DeviceInfo,
  fail,
  type Handlers,
  type KeptTensor,
  Peer,
  type Port,
  type Tensor,
  type TunedKernel,
  tensorBuffers,
} from "../protocol/index.ts"
import type { Backend, BackendSession } from "./backend.ts"
import { checkFeeds, checkOutputs, checkWanted } from "./check-feeds.ts"
import { SerialQueue } from "./serial-queue.ts"

/** Answers `device.*` on `port` until the connection or the device is lost; a lost device ends the connection after every call got its error. */
export function serveBackend(backend: Backend | Promise<Backend>, name: string, port: Port): Peer<unknown> {
  const peer = new Peer<unknown>(port, {
    role: `host:${name}`,
    // A macrotask later, so that the calls in flight are answered with IPFA_DEVICE_LOST first.
    handlers: hostHandlers(backend, name, (reason) => setTimeout(() => peer.close(lost(reason)))),
  })
  return peer
}

/**
 * The methods `device.*` over one backend. Work is serial: a device computes one thing at a time, and a call that is cancelled before its
 * turn never starts. A run that was cancelled under way ends on the device, and what it kept is freed.
 * `backend` may still be starting; where it can't start, its devices are absent with that reason.
 * `onLost` is told once when the device is lost: from then on every call, those in flight included, fails with IPFA_DEVICE_LOST.
 */
export function hostHandlers(
  backend: Backend | Promise<Backend>,
  name: string,
  onLost?: (reason: string) => void,
): Handlers<unknown> {
  const queue = new SerialQueue()
  const sessions = new Map<string, BackendSession>()
  let opened = 0
  let probed: Promise<{ devices: DeviceInfo[]; absent: AbsentDevice[] }> | undefined
  let loss: Error | undefined
  /** Rejects what is under way. A set, not a race against one promise: that would remember every call there ever was. */
  const pending = new Set<(error: Error) => void>()

  const ready = Promise.resolve(backend).then((b) => {
    b.onLost = (reason) => {
      if (loss) return
      loss = lost(reason)
      for (const reject of pending) reject(loss)
      onLost?.(reason)
    }
    return b
  })
  ready.catch(() => undefined)

  const unlessLost = <T>(work: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      if (loss) return reject(loss)
      pending.add(reject)
      work()
        .then(resolve, reject)
        .finally(() => pending.delete(reject))
    })

  const enqueue = <T>(task: (backend: Backend) => Promise<T>, signal?: AbortSignal): Promise<T> =>
    unlessLost(() => queue.run(async () => task(await ready), signal))

  const session = (handle: string): BackendSession => {
    const found = sessions.get(handle)
    if (!found) throw fail("IPFA_SESSION_UNKNOWN", { data: { handle } })
    return found
  }

  const close = (handle: string): Promise<void> =>
    enqueue(async () => {
      const s = sessions.get(handle)
      sessions.delete(handle)
      await s?.close()
    })

  const probe = () => {
    probed ??= ready
      .then((b) => b.probe())
      .catch((error) => ({
        devices: [],
        absent: [{ id: name, backend: name, reason: asAccelerateError(error).message }],
      }))
    return probed
  }

  return {
    "device.probe": () => unlessLost(() => queue.run(probe)),

    "device.open": ({ device, model, external, pipelines }, call) =>
      enqueue(async (b) => {
        const { devices, absent } = await probe()
        if (!devices.some((d) => d.id === device))
          throw fail("IPFA_DEVICE_ABSENT", {
            data: { device, reason: absent.find((a) => a.id === device)?.reason ?? `${name} has no such device` },
          })
        const start = performance.now()
        const made = await b.open({ model, external, pipelines }, device)
        const handle = `h${++opened}`
        sessions.set(handle, made)
        call.undo(() => void close(handle).catch(() => undefined))
        const { inputs, outputs, memoryBytes, note } = made
        return { handle, inputs, outputs, openMs: performance.now() - start, memoryBytes, note }
      }, call.signal),

    "device.run": ({ handle, feeds, keep = [], outputs }, call) =>
      enqueue(async () => {
        const s = session(handle)
        checkFeeds(feeds, s.inputs)
        checkOutputs("keep", keep, s.outputs)
        checkOutputs("outputs", outputs ?? [], s.outputs)
        checkWanted(outputs, keep)
        const result = await s.run(feeds, { keep, outputs })
        const kept = keptIds(result.outputs)
        if (kept.length > 0) call.undo(() => s.release(kept))
        call.transfer(tensorBuffers(Object.values(result.outputs)))
        return result
      }, call.signal),

    "device.release": ({ handle, kept }) =>
      enqueue(async () => {
        sessions.get(handle)?.release(kept)
        return {}
      }),

    "device.close": async ({ handle }) => {
      await close(handle)
      return {}
    },

    "device.tune": async (request, call) => {
      const steps = await enqueue(async (b) => {
        const { devices, absent } = await probe()
        if (devices.length === 0)
          throw fail("IPFA_DEVICE_ABSENT", { data: { device: name, reason: absent[0]?.reason ?? "it has no device" } })
        if (!b.tuning)
          throw fail("IPFA_DEVICE_UNSUPPORTED", { message: `${name} has no kernels of ours to choose from.` })
        return b.tuning(request)
      }, call.signal)
      const kernels: TunedKernel[] = []
      for (const [done, step] of steps.entries()) {
        call.emit({ done, of: steps.length }).catch(() => undefined)
        const tuned = await enqueue(() => step(call.signal), call.signal)
        if (tuned) kernels.push(tuned)
      }
      return { kernels }
    },

    "device.memory": async () => ({
      heapBytes: (await unlessLost(() => ready)).heapBytes?.(),
      sessions: [...sessions].map(([handle, { memoryBytes, keptBytes }]) => ({ handle, memoryBytes, keptBytes })),
    }),
  }
}

function keptIds(outputs: Record<string, Tensor | KeptTensor>): string[] {
  return Object.values(outputs).flatMap((t) => ("kept" in t ? [t.kept] : []))
}

function lost(reason: string): Error & ReturnType<typeof fail> {
  return fail("IPFA_DEVICE_LOST", { message: `The device was lost: ${reason}`, data: { reason } })
}
