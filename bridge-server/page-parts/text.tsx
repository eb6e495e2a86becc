import type { ComponentChildren } from "preact"
import { messageWriter } from "../../engine/agent/messages.ts"
import ar from "./_locales/ar/messages.json" with { type: "json" }
import en from "./_locales/en/messages.json" with { type: "json" }

/** What a page can say: `_locales/<language>/messages.json`. */
export type MessageKey = keyof typeof en

const catalogues: Record<string, Record<MessageKey, { message: string }>> = { ar, en }

/** The first of the person's languages that there is, in the browser's order; else English. */
const spoken = navigator.languages.map((tag) => tag.split("-")[0] as string).find((name) => catalogues[name])
const messages = catalogues[spoken ?? "en"] ?? en

const { t, language, pieces } = messageWriter<MessageKey>((key, values) =>
  messages[key].message.replace(/\$(\d)/g, (_, n) => values[n - 1] ?? ""),
)

export { language, t }

/** A message with elements in it. */
export function Text({ of, with: parts }: { of: MessageKey; with: ComponentChildren[] }) {
  return <>{pieces(of, parts)}</>
}
