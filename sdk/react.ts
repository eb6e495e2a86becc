import { useEffect, useRef, useState } from "react"
import type { AccelerateError } from "../protocol/errors/error.ts"
import { asAccelerateError } from "../protocol/errors/error.ts"
import { type Accelerator, type CreateOptions, createAccelerator } from "./create.ts"
import type { IpfsAccelerate, LoadOptions, Model, Progress, Session, Signature } from "./types.ts"

export interface UseAccelerator {
  /** Undefined until it was found, and where there is none. */
  accelerator: Accelerator | undefined
  error: AccelerateError | undefined
  loading: boolean
}

/** All components of a page share one; those that pass the same options object, or none, have the same. */
const shared = new WeakMap<object, Promise<Accelerator>>()
const defaults: CreateOptions = {}

function sharedAccelerator(options: CreateOptions): Promise<Accelerator> {
  let found = shared.get(options)
  if (!found) {
    found = createAccelerator(options)
    shared.set(options, found)
    // A later mount may try again.
    found.catch(() => shared.delete(options))
  }
  return found
}

/** The extension where there is one, else the engine in the page. `options` is looked at once: keep it outside of the component. */
export function useAccelerator(options: CreateOptions = defaults): UseAccelerator {
  const [state, setState] = useState<UseAccelerator>({ accelerator: undefined, error: undefined, loading: true })
  useEffect(() => {
    let mounted = true
    const set = (next: UseAccelerator) => mounted && setState(next)
    sharedAccelerator(options).then(
      (accelerator) => set({ accelerator, error: undefined, loading: false }),
      (error) => set({ accelerator: undefined, error: asAccelerateError(error), loading: false }),
    )
    return () => {
      mounted = false
    }
  }, [options])
  return state
}

export interface UseModel<S extends Signature = Signature> {
  /** Undefined until the model is loaded. */
  session: Session<S> | undefined
  progress: Progress | undefined
  error: AccelerateError | undefined
  /** Also while `accelerator` is undefined; never without a `model`. */
  loading: boolean
}

/**
 * A session of `model`, given back when the component goes or asks for another. `accelerator` as `useAccelerator` gave it; nothing is loaded
 * while it, or `model`, is undefined. Where there is none, `useAccelerator` has the error: look at that first.
 */
export function useModel<S extends Signature = Signature>(
  accelerator: IpfsAccelerate | undefined,
  model: Model | undefined,
  options: Pick<LoadOptions, "device" | "agent" | "precision"> = {},
): UseModel<S> {
  const { device, agent, precision } = options
  const begun: UseModel<S> = { session: undefined, progress: undefined, error: undefined, loading: model !== undefined }
  const [state, setState] = useState(begun)
  const latest = useRef(0)
  useEffect(() => {
    const turn = ++latest.current
    const set = (next: Partial<UseModel<S>>) =>
      turn === latest.current && setState((before) => ({ ...before, ...next }))
    set({ session: undefined, progress: undefined, error: undefined, loading: model !== undefined })
    if (!accelerator || model === undefined) return
    const abort = new AbortController()
    const opening = accelerator.load<S>(model, {
      device,
      agent,
      precision,
      signal: abort.signal,
      onProgress: (progress) => set({ progress }),
    })
    opening.then(
      (session) => set({ session, loading: false }),
      (error) => set({ error: asAccelerateError(error), loading: false }),
    )
    return () => {
      latest.current++
      abort.abort()
      opening.then((session) => session.dispose()).catch(() => {})
    }
  }, [accelerator, model, device, agent, precision])
  return state
}
