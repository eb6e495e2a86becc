import { browserSession } from "./browser-session.ts"

export const OFFSCREEN_PATH = "/offscreen.html"

let creating: Promise<void> | undefined

/** Makes sure the offscreen document is there and listens; all who ask at once share one creation. */
export function ensureOffscreen(): Promise<void> {
  creating ??= create().finally(() => {
    creating = undefined
  })
  return creating
}

async function create(): Promise<void> {
  if (await chrome.offscreen.hasDocument()) return
  // Resolves when the document's scripts have run.
  await chrome.offscreen.createDocument({
    url: `${OFFSCREEN_PATH}?session=${await browserSession()}`,
    reasons: [chrome.offscreen.Reason.WORKERS],
    justification: "Runs AI models in workers, for the pages that were granted it.",
  })
}
