import { browser } from "wxt/browser"
import { workerClock } from "../../../engine/agent/clock.ts"
import clockUrl from "../../../engine/agent/clock-worker.ts?worker&url"
import { idbSettings } from "../../../engine/agent/settings.ts"
import type { RuntimePortLike } from "../../../protocol/index.ts"
import { askBackground } from "../../ask-background.ts"
import { acceptConnections } from "../../background/connections.ts"
import { idbGrants } from "../../gate/grant-store.ts"
import type { PromptClosed, RoutedPort, UpdateAvailable } from "../../messages.ts"
import { Supervisor } from "../../supervisor/supervisor.ts"

// Chromium's home for the supervisor: the only extension page without a window that lasts and may have workers.

/** Native hosts that the service worker was asked for, until it comes with them. */
const awaited = new Map<string, (host: RuntimePortLike) => void>()

function askForHost(): Promise<RuntimePortLike> {
  const id = crypto.randomUUID()
  return new Promise((resolve, reject) => {
    // In the turn in which the port comes: what the host says first must find a listener.
    awaited.set(id, resolve)
    askBackground({ type: "native-host", id }).catch(reject)
  })
}

const brands = (navigator as { userAgentData?: { brands: { brand: string }[] } }).userAgentData?.brands ?? []

const supervisor = new Supervisor({
  browser: brands.some(({ brand }) => brand === "Microsoft Edge") ? "edge" : "chromium",
  version: import.meta.env.IPFA_VERSION,
  browserSession: Promise.resolve(new URLSearchParams(location.search).get("session") ?? crypto.randomUUID()),
  showPrompt: (id) => askBackground({ type: "show-prompt", id }),
  grants: idbGrants(),
  settings: idbSettings(),
  clock: workerClock(clockUrl),
  autostart: (on) => void askBackground({ type: "autostart", on }),
  connectHost: askForHost,
  restart: () => void askBackground({ type: "restart" }),
  showWorking: (on) => void askBackground({ type: "badge", on }),
  forget: () => askBackground({ type: "forget" }),
})

// From the frames in pages, by the service worker.
navigator.serviceWorker.addEventListener("message", ({ data, ports: [port] }: MessageEvent<RoutedPort | undefined>) => {
  if (data?.type === "route" && port) supervisor.accept(port, data)
})
navigator.serviceWorker.startMessages()

// Not from a content script, which has a tab.
browser.runtime.onMessage.addListener((notice: PromptClosed | UpdateAvailable | undefined, sender) => {
  if (notice?.type === "update-available" && !sender.tab) supervisor.updateAvailable()
  if (notice?.type === "prompt-closed" && !sender.tab) supervisor.promptClosed(notice.id)
})

// The service worker doesn't listen to these, so it isn't woken.
acceptConnections(supervisor, (id, host) => {
  awaited.get(id)?.(host)
  awaited.delete(id)
})
