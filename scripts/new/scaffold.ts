/** What a scaffold is made of: pure text in, text out; scripts/new.ts reads and writes the files. */

/** The repository as a scaffold sees it. Paths are repository paths. */
export interface Repository {
  /** Undefined where there is no such file. */
  read(path: string): string | undefined
  /** Names in a folder; empty where there is none. */
  list(folder: string): readonly string[]
}

export interface Scaffold {
  /** New files and the new text of changed ones. */
  files: Record<string, string>
  /** Generators (of scripts/) that have to run afterwards. */
  generators?: readonly string[]
  /** What the person does next, a sentence each. */
  next: readonly string[]
}

/** Left in a scaffold wherever a person has to write; test/repo/registered.test.ts fails while one is committed. */
export const UNWRITTEN = ["TO", "WRITE:"].join(" ")

/** A name that can't be had, or a repository that isn't as expected. The message is the sentence that is shown. */
export class Refusal extends Error {}

/** Throws a sentence unless `name` is lower-case words with hyphens, such as `layer-norm`, whose identifier JavaScript allows. */
export function kebabName(kind: string, name: string): string {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 40)
    throw new Refusal(`"${name}" is no name for a ${kind}: use lower-case words with hyphens, such as layer-norm.`)
  return name
}

/** `layer-norm` → `layerNorm`; throws where that is a word of the language. */
export function identifier(name: string): string {
  const made = name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  try {
    new Function(`"use strict"; let ${made}`)
  } catch {
    throw new Refusal(`"${name}" would be the identifier ${made}, which JavaScript keeps for itself.`)
  }
  return made
}

export const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)

/** The text of a file that must be there. */
export function required(repository: Repository, path: string): string {
  const text = repository.read(path)
  if (text === undefined) throw new Refusal(`${path} is not there, so nothing can be registered in it.`)
  return text
}

/** `text` with `added` put at the end of what `block` matches, before the match's last line. */
export function addToBlock(path: string, text: string, block: RegExp, added: string): string {
  const match = block.exec(text)
  if (!match) throw new Refusal(`${path} has changed its shape (${block}): register it there by hand.`)
  const end = match.index + match[0].length
  const last = text.lastIndexOf("\n", end - 1) + 1
  // A list on one line has no last line of its own: Biome lays it out afterwards.
  const at = last > match.index ? last : end - 1
  const separator = at === last || /[[,]\s*$/.test(text.slice(0, at)) ? "" : ", "
  return text.slice(0, at) + separator + added + text.slice(at)
}

/** `text` with an import or export line put before the first one; Biome sorts them afterwards. */
export function addLine(text: string, line: string): string {
  const at = /^(import|export) /m.exec(text)?.index ?? 0
  return `${text.slice(0, at)}${line}\n${text.slice(at)}`
}
