import { existsSync } from "node:fs"
import path from "node:path"
import { pathToFileURL } from "node:url"

/** What a person types for a model: a reference, a name, or a file's path. */
export function toReference(text: string): string {
  const isPath = text.includes("/") || text.includes(path.sep) || text.endsWith(".onnx")
  if (/^[a-z][a-z0-9+.-]+:/i.test(text)) return text
  return isPath || existsSync(text) ? pathToFileURL(path.resolve(text)).href : text
}
