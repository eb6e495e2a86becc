import { readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { listSources, repoRoot } from "../../scripts/sources.ts"

/** What the screens say, in every language. That each key used exists is a matter of types (extension/ui/text.tsx). */

const folder = path.join(repoRoot, "extension/public/_locales")
const languages = readdirSync(folder)
const messages = (language: string): Record<string, { message: string }> =>
  JSON.parse(readFileSync(path.join(folder, language, "messages.json"), "utf8"))
const english = messages("en")

test.each(languages)("%s has every message, and no other", (language) => {
  expect(Object.keys(messages(language)).sort()).toEqual(Object.keys(english).sort())
})

test.each(languages)("%s says something in each, and puts in the same values as English", (language) => {
  const values = (text: string) => [...new Set(text.match(/\$\d/g))].sort()
  for (const [key, { message }] of Object.entries(messages(language))) {
    expect(message.trim(), key).not.toBe("")
    expect(values(message), key).toEqual(values(english[key]?.message ?? ""))
  }
})

test("each language names itself, and one of them is read from the right", () => {
  for (const language of languages) expect(messages(language).language?.message).toBe(language)
  expect(new Set(languages.map((language) => messages(language).direction?.message))).toEqual(new Set(["ltr", "rtl"]))
})

test("every message is used", () => {
  const text = [...listSources([".ts", ".tsx"]).filter((file) => file.startsWith("extension/")), "wxt.config.ts"]
    .map((file) => readFileSync(path.join(repoRoot, file), "utf8"))
    .join("\n")
  const unused = Object.keys(english).filter((key) => !text.includes(`"${key}"`) && !text.includes(`__MSG_${key}__`))
  expect(unused).toEqual([])
})

test("no screen has text of its own beside the messages", () => {
  const faults = listSources([".tsx"])
    .filter((file) => file.startsWith("extension/ui/"))
    .flatMap((file) => {
      const code = readFileSync(path.join(repoRoot, file), "utf8").replace(/\{\/\*.*?\*\/\}/gs, "")
      // Words between tags; what a person types or a program is called stands in .mono.
      return [...code.matchAll(/<(\w+)[^<>]*>\s*([^<>{}()=;]*[A-Za-z]{2}[^<>{}()=;]*)</g)]
        .filter(([tag]) => !tag.includes("mono"))
        .map(([, , words]) => `${file}: ${words?.trim()}`)
    })
  expect(faults).toEqual([])
})

test("directions are logical, so that a screen can be read from the right", () => {
  const physical =
    /(?<![\w-])(?:(?:margin|padding|border)-(?:left|right|top|bottom)|(?:min-|max-)?(?:width|height)|left|right)\s*:/g
  for (const file of listSources([".css"]).filter((name) => name.startsWith("extension/"))) {
    const rules = readFileSync(path.join(repoRoot, file), "utf8").replace(/@media[^{]*/g, "")
    expect(rules.match(physical) ?? [], file).toEqual([])
  }
})
