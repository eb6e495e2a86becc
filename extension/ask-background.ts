import { browser } from "wxt/browser"
import type { BackgroundRequest } from "./messages.ts"

/** Has the background script do `request`. Throws what it says went wrong. */
export async function askBackground(request: BackgroundRequest): Promise<void> {
  const { error } = (await browser.runtime.sendMessage(request)) as { error?: string }
  if (error) throw new Error(error)
}
