const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }

/** What stands there as `xml`. */
export function plainText(xml: string): string {
  return xml.replace(/&\w+;/g, (entity) => Object.keys(entities).find((plain) => entities[plain] === entity) ?? entity)
}

/** `text` as it stands between an XML element's tags. */
export function xmlText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => entities[character] as string)
}
