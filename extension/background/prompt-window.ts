import { browser } from "wxt/browser"

const WIDTH = 480
const HEIGHT = 680

/** Which request each window asks about; needed only until its page has a connection, which is less than a service worker lives. */
const open = new Map<number, string>()

/** Opens the window that asks the person about request `id`. */
export async function showPrompt(id: string): Promise<void> {
  const window = await browser.windows.create({
    url: promptUrl(id),
    type: "popup",
    width: WIDTH,
    height: HEIGHT,
    focused: true,
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

/** Closes it, where it is still open. */
export async function closePrompt(id: string): Promise<void> {
  const tabs = await browser.tabs.query({ url: `${browser.runtime.getURL("/prompt.html")}*` })
  const shown = tabs.filter((tab) => tab.url === promptUrl(id) && tab.id !== undefined)
  await browser.tabs.remove(shown.map((tab) => tab.id as number))
}

function promptUrl(id: string): string {
  return `${browser.runtime.getURL("/prompt.html")}?id=${encodeURIComponent(id)}`
}
