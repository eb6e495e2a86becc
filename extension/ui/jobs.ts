import { signal } from "@preact/signals"
import type { EventOf, Methods, Peer } from "../../protocol/index.ts"
import { owner } from "./owner.ts"

let end: (() => void) | undefined

/** What runs, waits and ended, while something shows it. */
export const jobs = signal<EventOf<Methods["job.watch"]> | undefined>(undefined, {
  watched() {
    let peer: Peer | undefined
    let ask = new AbortController()
    const stop = owner().subscribe((view) => {
      if (view?.peer === peer) return
      peer = view?.peer
      ask.abort()
      ask = new AbortController()
      const onEvent = (told: EventOf<Methods["job.watch"]>) => {
        jobs.value = told
      }
      peer?.call("job.watch", {}, { onEvent, signal: ask.signal }).catch(() => undefined)
    })
    end = () => {
      stop()
      ask.abort()
    }
  },
  unwatched: () => end?.(),
})

/** The time, each second while something shows it; ms since 1970. */
export const clock = signal(Date.now(), {
  watched() {
    clock.value = Date.now()
    ticking = setInterval(() => {
      clock.value = Date.now()
    }, 1000)
  },
  unwatched: () => clearInterval(ticking),
})
let ticking: ReturnType<typeof setInterval> | undefined
