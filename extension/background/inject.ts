import { type Browser, browser } from "wxt/browser"
import { SITE_MATCHES } from "../sites.ts"

/** Brings the page script into the document that asked, whatever its CSP says. */
export async function injectPageScript(sender: Browser.runtime.MessageSender): Promise<void> {
  const { tab, documentId, frameId } = sender
  if (tab?.id === undefined || frameId !== 0) throw new Error("only a page can ask for the page script")
  await browser.scripting.executeScript({
    // Firefox has no ids of documents: should the tab go on to another page meanwhile, that page's stub takes no harm from the script.
    target: { tabId: tab.id, ...(documentId ? { documentIds: [documentId] } : { frameIds: [frameId] }) },
    world: "MAIN",
    files: ["/page.js"],
    injectImmediately: true,
  })
}

/** Pages that were open before the extension was installed or updated get its API now. */
export async function injectIntoOpenTabs(): Promise<void> {
  const scripts = browser.runtime.getManifest().content_scripts ?? []
  for (const tab of await browser.tabs.query({ url: SITE_MATCHES })) {
    if (tab.id === undefined || tab.discarded) continue
    for (const { js = [], world } of scripts as { js?: string[]; world?: "MAIN" }[])
      await browser.scripting
        .executeScript({
          target: { tabId: tab.id },
          files: js as ["/page.js"],
          world: world ?? "ISOLATED",
          injectImmediately: true,
        })
        // The browser's own pages and its store let nobody in.
        .catch(() => undefined)
  }
}
