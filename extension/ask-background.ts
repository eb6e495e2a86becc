import { browser } from "wxt/browser"
import type { BackgroundRequest } from "./messages.ts"

/** Service workers that are asked, one after another. */
const TRIES = 3

/** Has the background script do `request`, which may be done twice. Throws what it says went wrong. */
export async function askBackground(request: BackgroundRequest): Promise<void> {
  for (let left = TRIES - 1; ; left--) {
    // A service worker that is stopped in the middle of it ends the call, or answers nothing; the next one does.
    const answer: { error?: string } | undefined = await browser.runtime
      .sendMessage(request)
      .catch((error: unknown) => {
        if (left === 0) throw error
      })
    if (answer?.error) throw new Error(answer.error)
    if (answer) return
    if (left === 0) throw new Error("The extension's background script ended before it answered.")
  }
}
