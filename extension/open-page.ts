import { browser } from "wxt/browser"

/** Opens one of the extension's own pages in a tab. */
export async function openPage(name: "welcome"): Promise<void> {
  await browser.tabs.create({ url: browser.runtime.getURL(`/${name}.html`) })
}
