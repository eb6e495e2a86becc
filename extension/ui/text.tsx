import type { ComponentChildren } from "preact"
import { browser } from "wxt/browser"
import { messageWriter } from "../../engine/agent/messages.ts"
import type messages from "../public/_locales/en/messages.json"

/** What a screen can say: `public/_locales/<language>/messages.json`. */
export type MessageKey = keyof typeof messages

const { t, language, pieces } = messageWriter<MessageKey>((key, values) => browser.i18n.getMessage(key, [...values]))

export { language, t }

/** A message with elements in it. */
export function Text({ of, with: parts }: { of: MessageKey; with: ComponentChildren[] }) {
  return <>{pieces(of, parts)}</>
}
