import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/**
 * Tensors pass through as short-lived buffers outside V8's heap. V8 adds those bytes to the heap's size, and marks the whole heap whenever that
 * seems to have grown by half, to find that nearly all of it is dead: measured 2 ms for each request of 600 kB. So the heap may grow further
 * before it is marked, and a collection of the young generation, which finds the same in a tenth of the time, is asked for first. Not more
 * often than this: what survives two of them is only found by marking, and requests that wait in the queue do.
 */
const EVERY_BYTES = 24 * 2 ** 20
const GROWTH = "--heap-growing-percent=1000"

type Collect = (options: { type: "minor" } | { type: "major"; execution: "sync"; flavor: "last-resort" }) => void

function collector(): Collect {
  setFlagsFromString("--expose-gc")
  return runInNewContext("gc") as Collect
}

/** Collects all garbage at once, and gives the pages that V8 keeps for later back to the system. Nobody is served meanwhile: some 0.1 s. */
export function collectAll(): void {
  collector()({ type: "major", execution: "sync", flavor: "last-resort" })
}

export class YoungGarbage {
  #bytes = 0
  readonly #collect = collector()

  constructor() {
    setFlagsFromString(GROWTH)
  }

  /** So many bytes were received. */
  add(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes < EVERY_BYTES) return
    this.#bytes = 0
    this.#collect({ type: "minor" })
  }
}
