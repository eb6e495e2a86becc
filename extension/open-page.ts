import { browser } from "wxt/browser"

/** Opens one of the extension's own pages in a tab. */
export async function openPage(name: "welcome" | "benchmarks" | "sidepanel"): Promise<void> {
  await browser.tabs.create({ url: browser.runtime.getURL(`/${name}.html`) })
}

/** Firefox's side panel. */
interface Sidebar {
  open(): Promise<void>
}

/** Opens the live view beside the pages; in a tab where the browser has no such place. Browsers want a click for it. */
export async function openPanel(): Promise<void> {
  const { sidebarAction } = browser as { sidebarAction?: Sidebar }
  if (sidebarAction) return sidebarAction.open()
  const { sidePanel } = browser as Partial<typeof browser>
  if (!sidePanel) return openPage("sidepanel")
  const { id } = await browser.windows.getCurrent()
  await sidePanel.open({ windowId: id as number })
}
