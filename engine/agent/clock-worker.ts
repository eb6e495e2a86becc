import type { Tick } from "./clock.ts"

addEventListener("message", ({ data }: MessageEvent<Tick>) => {
  setTimeout(() => postMessage(data), data.ms)
})
