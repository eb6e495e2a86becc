import { browser } from "wxt/browser"
import { t } from "../ui/text.tsx"

/** Manifest V2 has it under another name. */
const action = () => browser.action ?? (browser as unknown as { browserAction: typeof browser.action }).browserAction

/** Shows on the toolbar's icon whether something is computed. */
export async function showBadge(on: boolean): Promise<void> {
  await action().setBadgeBackgroundColor({ color: "#0b5fc2" })
  await action().setBadgeText({ text: on ? "•" : "" })
  await action().setTitle({ title: t(on ? "working" : "product") })
}
