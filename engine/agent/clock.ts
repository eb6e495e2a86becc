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

/**
 * Timers in a worker: browsers slow down those of hidden pages, and an offscreen document is always hidden. Where the worker fails, the page's own:
 * late is better than never.
 */
export function workerClock(workerUrl: string | URL): Clock {
  const worker = new Worker(workerUrl, { type: "module", name: "ipfs-accelerate clock" })
  const waiting = new Map<number, { ms: number; callback: () => void }>()
  let next = 1
  const ring = ({ id }: Tick) => {
    const due = waiting.get(id)
    waiting.delete(id)
    due?.callback()
  }
  let begin = (tick: Tick): void => worker.postMessage(tick)
  worker.onmessage = ({ data }: MessageEvent<Tick>) => ring(data)
  worker.onerror = ({ message }) => {
    console.warn(`The clock's worker failed (${message}): timers are late while this page is hidden.`)
    begin = (tick) => void setTimeout(ring, tick.ms, tick)
    for (const [id, { ms }] of waiting) begin({ id, ms })
  }
  return {
    after(ms, callback) {
      const tick: Tick = { id: next++, ms }
      waiting.set(tick.id, { ms, callback })
      begin(tick)
      return () => waiting.delete(tick.id)
    },
  }
}
