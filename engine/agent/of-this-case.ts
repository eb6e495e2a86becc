/** What an error's message says beyond its code's `general` sentence: what stands in brackets after that, or all of it where it is another sentence. */
export function ofThisCase(general: string, message: string): string {
  if (!message.startsWith(general)) return message
  return message.slice(general.length).replace(/^ \((.*)\)$/s, "$1")
}
