import { browser } from "wxt/browser"
import type { BackgroundRequest } from "./messages.ts"

/** Has the background script do `request`, which may be done twice. Throws what it says went wrong. */
export async function askBackground(request: BackgroundRequest): Promise<void> {
  const ask = (): Promise<{ error?: string }> => browser.runtime.sendMessage(request)
  // A service worker that was stopped in the middle of it never answers; the next one does.
  const { error } = await ask().catch(ask)
  if (error) throw new Error(error)
}
