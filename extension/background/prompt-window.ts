import { browser } from "wxt/browser"

const WIDTH = 480
const HEIGHT = 680

/** Opens the window that asks the person about request `id`. */
export async function showPrompt(id: string): Promise<void> {
  await browser.windows.create({
    url: promptUrl(id),
    type: "popup",
    width: WIDTH,
    height: HEIGHT,
    focused: true,
  })
}

/** Closes it, where it is still open. */
export async function closePrompt(id: string): Promise<void> {
  const tabs = await browser.tabs.query({ url: `${browser.runtime.getURL("/prompt.html")}*` })
  const open = tabs.filter((tab) => tab.url === promptUrl(id) && tab.id !== undefined)
  await browser.tabs.remove(open.map((tab) => tab.id as number))
}

function promptUrl(id: string): string {
  return `${browser.runtime.getURL("/prompt.html")}?id=${encodeURIComponent(id)}`
}
