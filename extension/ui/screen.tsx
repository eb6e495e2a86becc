import { type ComponentChild, render } from "preact"
import { language, type MessageKey, t } from "./text.tsx"

/** Shows a screen of the extension in the person's language, from whichever side that is read. */
export function showScreen(title: MessageKey, screen: ComponentChild): void {
  document.documentElement.lang = language()
  document.documentElement.dir = t("direction")
  document.title = t(title)
  render(screen, document.body)
}
