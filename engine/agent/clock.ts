/** Timers that hold where the page is hidden. */
export interface Clock {
  /** Calls back after `ms`; the returned function calls it off. */
  after(ms: number, callback: () => void): () => void
}

/** A request for a timer, and its end. */
export interface Tick {
  id: number
  ms: number
}

/** Timers in a worker: browsers slow down those of hidden pages, and an offscreen document is always hidden. */
export function workerClock(workerUrl: string | URL): Clock {
  const worker = new Worker(workerUrl, { type: "module", name: "ipfs-accelerate clock" })
  const waiting = new Map<number, () => void>()
  let next = 1
  worker.onmessage = ({ data }: MessageEvent<Tick>) => {
    const callback = waiting.get(data.id)
    waiting.delete(data.id)
    callback?.()
  }
  return {
    after(ms, callback) {
      const tick: Tick = { id: next++, ms }
      waiting.set(tick.id, callback)
      worker.postMessage(tick)
      return () => waiting.delete(tick.id)
    },
  }
}
