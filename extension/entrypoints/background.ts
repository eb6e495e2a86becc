import { type Browser, browser } from "wxt/browser"
import { defineBackground } from "wxt/utils/define-background"
import { showBadge } from "../background/badge.ts"
import { injectIntoOpenTabs, injectPageScript } from "../background/inject.ts"
import { nativeHostIsThere, relayNativeHost } from "../background/native-host.ts"
import { ensureOffscreen } from "../background/offscreen.ts"
import { onPromptClosed, showPrompt } from "../background/prompt-window.ts"
import { routePorts } from "../background/route.ts"
import type { BackgroundRequest, PromptClosed, UpdateAvailable } from "../messages.ts"
import { openPage } from "../open-page.ts"

/** Kept where it outlives the browser: whether the supervisor is wanted from its start on. */
const AUTOSTART = "autostart"

// The control plane, but for Firefox and Safari (background-page/). It may be stopped at any time: nothing that a page waits for runs here.
export default defineBackground({ exclude: ["firefox", "safari"], main })

function main(): void {
  browser.runtime.onMessage.addListener((request: BackgroundRequest, sender, respond) => {
    serve(request, sender).then(
      () => respond({}),
      (error: unknown) => respond({ error: String(error) }),
    )
    return true
  })
  browser.runtime.onInstalled.addListener(() => void injectIntoOpenTabs())
  browser.runtime.onInstalled.addListener(() => void autostart())
  browser.runtime.onInstalled.addListener(({ reason }) => {
    if (reason === "install") void openPage("welcome")
  })
  browser.runtime.onStartup.addListener(() => void autostart())
  onPromptClosed((id) => {
    // Where nobody listens, nobody waits for the answer.
    browser.runtime.sendMessage({ type: "prompt-closed", id } satisfies PromptClosed).catch(() => undefined)
  })
  // While somebody listens, the browser holds an update back.
  browser.runtime.onUpdateAvailable.addListener(() => void letUpdateIn())
  routePorts()
}

/** Where there is a supervisor, it knows when. */
async function letUpdateIn(): Promise<void> {
  if (!(await chrome.offscreen.hasDocument())) return browser.runtime.reload()
  await browser.runtime.sendMessage({ type: "update-available" } satisfies UpdateAvailable)
}

async function serve(request: BackgroundRequest, sender: Browser.runtime.MessageSender): Promise<void> {
  switch (request.type) {
    case "inject":
      return injectPageScript(sender)
    case "supervisor":
      return ensureOffscreen()
  }
  // A content script could be made to say the rest by a page that broke its process.
  if (sender.origin !== new URL(browser.runtime.getURL("/")).origin)
    throw new Error("only the extension itself can ask that")
  switch (request.type) {
    case "show-prompt":
      return showPrompt(request.id)
    case "native-host":
      return relayNativeHost(request.id)
    case "autostart":
      return browser.storage.local.set({ [AUTOSTART]: request.on })
    case "restart":
      return browser.runtime.reload()
    case "badge":
      return showBadge(request.on)
    case "forget":
      await browser.storage.local.clear()
      return browser.storage.session.clear()
  }
}

async function autostart(): Promise<void> {
  const { [AUTOSTART]: on } = await browser.storage.local.get<{ [AUTOSTART]?: boolean }>(AUTOSTART)
  // Until a person has decided, whoever installed the native host wants to be paired.
  if (on ?? (await nativeHostIsThere())) await ensureOffscreen()
}
