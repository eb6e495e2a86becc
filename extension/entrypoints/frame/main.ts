import { browser } from "wxt/browser"
import { type BackgroundRequest, FRAME_HELLO, type FrameAnswer, type RoutedPort } from "../../messages.ts"
import { findSupervisor } from "../../supervisor/door.ts"

// The hidden frame in a page. It passes the page's port to the pool, with the origin that the browser names, and does nothing else.

window.addEventListener("message", (event) => {
  const control = event.ports[0]
  if (event.source !== window.parent || event.data !== FRAME_HELLO || !control) return
  const { origin } = event
  void route(origin).then((hand) => {
    control.onmessage = ({ data: life, ports: [port] }: MessageEvent<string>) => {
      if (port) hand?.(port, life)
    }
    const answer: FrameAnswer = hand ? "ready" : "none"
    control.postMessage(answer)
  })
})

/** The best way to the pool there is from here. */
async function route(origin: string): Promise<((port: MessagePort, life: string) => void) | undefined> {
  const request: BackgroundRequest = { type: "supervisor" }
  await browser.runtime.sendMessage(request)
  // In one process with the supervisor: straight into its window. Chromium keeps cross-origin-isolated pages apart from others.
  const door = findSupervisor()
  if (door) return (port, life) => door.accept(port, origin, life)
  const worker = navigator.serviceWorker?.controller ?? (await navigator.serviceWorker?.getRegistration())?.active
  if (!worker) return undefined
  return (port, life) => worker.postMessage({ type: "route", origin, life } satisfies RoutedPort, [port])
}
