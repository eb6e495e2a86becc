import { browser } from "wxt/browser"
import { workerClock } from "../../../engine/agent/clock.ts"
import clockUrl from "../../../engine/agent/clock-worker.ts?worker&url"
import { idbSettings } from "../../../engine/agent/settings.ts"
import { showBadge } from "../../background/badge.ts"
import { browserSession } from "../../background/browser-session.ts"
import { acceptConnections } from "../../background/connections.ts"
import { injectPageScript } from "../../background/inject.ts"
import { connectNativeHost } from "../../background/native-host.ts"
import { onPromptClosed, showPrompt } from "../../background/prompt-window.ts"
import { idbGrants } from "../../gate/grant-store.ts"
import type { BackgroundRequest } from "../../messages.ts"
import { openPage } from "../../open-page.ts"
import { receivePorts } from "../../page/broker.ts"
import { Supervisor } from "../../supervisor/supervisor.ts"

// Firefox's and Safari's home for the supervisor, which lasts as long as the browser: control plane and pool in one page.

const supervisor = new Supervisor({
  browser: import.meta.env.SAFARI ? "safari" : "firefox",
  version: import.meta.env.IPFA_VERSION,
  browserSession: browserSession(),
  showPrompt,
  grants: idbGrants(),
  settings: idbSettings(),
  clock: workerClock(clockUrl),
  autostart: () => undefined,
  // Not in Safari.
  ...("connectNative" in browser.runtime && { connectHost: connectNativeHost }),
  restart: () => browser.runtime.reload(),
  showWorking: showBadge,
  // It keeps nothing elsewhere.
  forget: async () => undefined,
})

receivePorts((routed, port) => supervisor.accept(port, routed))
acceptConnections(supervisor)
// Safari has no such event.
browser.runtime.onUpdateAvailable?.addListener(() => supervisor.updateAvailable())
onPromptClosed((id) => supervisor.promptClosed(id))

// Firefox puts the content scripts into pages that were open before by itself.
browser.runtime.onMessage.addListener((request: BackgroundRequest, sender, respond) => {
  // "supervisor": it is there.
  const served = request.type === "inject" ? injectPageScript(sender) : Promise.resolve()
  served.then(
    () => respond({}),
    (error: unknown) => respond({ error: String(error) }),
  )
  return true
})

// Loaded unpacked, for this run only: whoever did that, a person or `npm start`, goes on with the options.
browser.runtime.onInstalled.addListener((details) => {
  if ((details as { temporary?: boolean }).temporary) void browser.runtime.openOptionsPage()
  else if (details.reason === "install") void openPage("welcome")
})
