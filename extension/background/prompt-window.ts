import { browser } from "wxt/browser"
import { HAS_BACKGROUND_PAGE } from "../background-page.ts"

const WIDTH = 480
const HEIGHT = 680

/** Which request each window asks about; needed only until its page has a connection, which is less than a service worker lives. */
const open = new Map<number, string>()

/** Opens the window that asks the person about request `id`, unless it is there: a service worker that was stopped meanwhile may have opened it. */
export async function showPrompt(id: string): Promise<void> {
  const url = `${browser.runtime.getURL("/prompt.html")}?id=${encodeURIComponent(id)}`
  // A background page is not stopped so, and not every browser that has one knows its contexts.
  if (!HAS_BACKGROUND_PAGE && (await browser.runtime.getContexts({ documentUrls: [url] })).length > 0) return
  const window = await browser.windows.create({
    url,
    type: "popup",
    width: WIDTH,
    height: HEIGHT,
    focused: true,
    // The page closes it. Chromium lets it, and knows no such key.
    ...(import.meta.env.FIREFOX && { allowScriptsToClose: true }),
  })
  if (window?.id !== undefined) open.set(window.id, id)
}

/** Tells of each prompt's window that was closed, by whomever. */
export function onPromptClosed(closed: (id: string) => void): void {
  browser.windows?.onRemoved.addListener((window) => {
    const id = open.get(window)
    open.delete(window)
    if (id !== undefined) closed(id)
  })
}
