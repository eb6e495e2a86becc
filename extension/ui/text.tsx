import type { ComponentChildren } from "preact"
import { browser } from "wxt/browser"
import type messages from "../public/_locales/en/messages.json"

/** What a screen can say: `public/_locales/<language>/messages.json`. */
export type MessageKey = keyof typeof messages

/** A message in the person's language. Each text that is put in reads in its own direction. */
export function t(key: MessageKey, ...values: (string | number)[]): string {
  return get(
    key,
    values.map((value) => (typeof value === "number" ? value.toLocaleString(language()) : isolated(value))),
  )
}

/** The language the messages are in, which may not be the browser's. */
export const language = (): string => get("language", [])

/** A character of no language, for where an element goes in a message. */
const MARK = "\uE000"

/** A message with elements in it. */
export function Text({ of, with: parts }: { of: MessageKey; with: ComponentChildren[] }) {
  const marked = get(
    of,
    parts.map((_, i) => MARK + i + MARK),
  )
  return <>{marked.split(MARK).map((piece, i) => (i % 2 === 0 ? piece : parts[Number(piece)]))}</>
}

function get(key: MessageKey, values: string[]): string {
  return browser.i18n.getMessage(key, values)
}

/** What may read in another direction than the sentence keeps its order in it: first strong isolate … pop directional isolate. */
function isolated(text: string): string {
  const alike = get("direction", []) === "ltr" && /^[ -~]*$/.test(text)
  return alike ? text : `\u2068${text}\u2069`
}
