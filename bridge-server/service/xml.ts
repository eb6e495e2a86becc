const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }

/** `text` as it stands between an XML element's tags. */
export function xmlText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => entities[character] as string)
}
