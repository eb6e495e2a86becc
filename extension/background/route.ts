import type { RoutedPort } from "../messages.ts"
import { ensureOffscreen, OFFSCREEN_PATH } from "./offscreen.ts"

/** What is used of a service worker's scope; TypeScript's own declarations of it exclude those of a page. */
interface ServiceWorkerScope {
  addEventListener(type: "message", listener: (event: RoutingEvent) => void): void
  clients: { matchAll(options: { includeUncontrolled: boolean; type: "window" }): Promise<PageClient[]> }
}
interface RoutingEvent extends MessageEvent {
  waitUntil(work: Promise<unknown>): void
}
interface PageClient {
  readonly url: string
  postMessage(message: unknown, transfer: Transferable[]): void
}

const scope = globalThis as unknown as ServiceWorkerScope

/** Passes pages' ports from their frames to the offscreen document. Only the extension's own pages can send the service worker a message. */
export function routePorts(): void {
  scope.addEventListener("message", (event) => {
    const routed = event.data as RoutedPort
    if (routed?.type === "route") event.waitUntil(route(routed, event.ports))
  })
}

async function route(routed: RoutedPort, ports: readonly MessagePort[]): Promise<void> {
  await ensureOffscreen()
  const pages = await scope.clients.matchAll({ includeUncontrolled: true, type: "window" })
  const offscreen = pages.find((page) => new URL(page.url).pathname === OFFSCREEN_PATH)
  // Where it has just gone, the page hears nothing and tries again.
  offscreen?.postMessage(routed, [...ports])
}
