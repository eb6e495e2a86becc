import { browser } from "wxt/browser"
import { askBackground } from "../../ask-background.ts"
import { HAS_BACKGROUND_PAGE } from "../../background-page.ts"
import { FRAME_HELLO, type FrameAnswer, type RoutedPort } from "../../messages.ts"
import { openBroker } from "../../page/broker.ts"

// The hidden frame in a page. It passes the page's port to the pool, with the origin that the browser names, and does nothing else.

window.addEventListener("message", (event) => {
  // A frame in the page that embeds this one itself gets nothing: only the top page has an origin that a person sees.
  if (window.parent !== window.top) return
  const control = event.ports[0]
  if (event.source !== window.parent || event.data !== FRAME_HELLO || !control) return
  const { origin } = event
  const routed = route(origin).catch(() => undefined)
  void routed.then((hand) => {
    control.onmessage = ({ data: life, ports: [port] }: MessageEvent<string>) => {
      if (port) hand?.(port, life)
    }
    const answer: FrameAnswer = hand ? "ready" : "none"
    control.postMessage(answer)
  })
})

/** A background page is reached through a SharedWorker. Elsewhere the service worker can reach the supervisor's document, which is always in another process: Chromium keeps isolated pages apart from others. */
async function route(origin: string): Promise<((port: MessagePort, life: string) => void) | undefined> {
  const isPrivate = browser.extension.inIncognitoContext
  await askBackground({ type: "supervisor" })
  if (HAS_BACKGROUND_PAGE) {
    const broker = openBroker()
    return (port, life) => broker.postMessage({ type: "route", origin, isPrivate, life } satisfies RoutedPort, [port])
  }
  const worker = navigator.serviceWorker?.controller ?? (await navigator.serviceWorker?.getRegistration())?.active
  if (!worker) return undefined
  return (port, life) => worker.postMessage({ type: "route", origin, isPrivate, life } satisfies RoutedPort, [port])
}
