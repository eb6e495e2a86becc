import { readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { describe, expect, test } from "vitest"
import { registry } from "../../protocol/index.ts"
import { listSources, repoRoot } from "../../scripts/sources.ts"

/** What the screens say, in every language. That each key used exists is a matter of types (the `text.tsx` of each). */

const read = (file: string) => readFileSync(path.join(repoRoot, file), "utf8")

const speakers = [
  {
    who: "the extension",
    locales: "extension/public/_locales",
    code: ["extension/", "wxt.config.ts", "engine/agent/"],
  },
  {
    who: "the bridge-server's pages",
    locales: "bridge-server/page-parts/_locales",
    code: [...["page-parts", "dashboard", "worker-page"].map((folder) => `bridge-server/${folder}/`), "engine/agent/"],
  },
]

// Both show errors by engine/agent/fault.tsx; English is the registry's.
const translations = speakers.flatMap(({ locales }) => readdirSync(path.join(repoRoot, locales)))
test.each([...new Set(translations)].filter((language) => language !== "en"))(
  "%s has a sentence for each error, and tells to type what the registry tells, written from the left",
  (language) => {
    const sentences: Record<string, string> = JSON.parse(read(`engine/agent/error-sentences.${language}.json`))
    expect(Object.keys(sentences)).toEqual(Object.keys(registry))
    const typed = /--[a-z-]+|\w+\(\)|\w+\.\w+|\S+…\]?|npm start|ipfs-accelerate [a-z-]+|(?<=file )token/g
    for (const [code, { message }] of Object.entries(registry)) {
      expect(sentences[code]?.trim(), code).not.toBe("")
      const isolated = sentences[code]?.match(/(?<=\u2066)[^\u2069]+(?=\u2069)/g)
      expect(isolated, code).toEqual(message.match(typed))
    }
  },
)

describe.each(speakers)("$who", ({ locales, code }) => {
  const languages = readdirSync(path.join(repoRoot, locales))
  const messages = (language: string): Record<string, { message: string }> =>
    JSON.parse(read(`${locales}/${language}/messages.json`))
  const english = messages("en")
  const sources = (...endings: string[]) =>
    listSources(endings).filter((file) => code.some((start) => file.startsWith(start)))

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
    const text = sources(".ts", ".tsx").map(read).join("\n")
    // By the writer of messages itself.
    const always = ["language"]
    const unused = Object.keys(english).filter(
      (key) => !always.includes(key) && !text.includes(`"${key}"`) && !text.includes(`__MSG_${key}__`),
    )
    expect(unused).toEqual([])
  })

  test("no screen has text of its own beside the messages", () => {
    const faults = sources(".tsx").flatMap((file) => {
      const markup = read(file).replace(/\{\/\*.*?\*\/\}/gs, "")
      // Words between tags; what a person types or a program is called stands in .mono.
      return [...markup.matchAll(/<(\w+)[^<>]*>\s*([^<>{}()=;]*[A-Za-z]{2}[^<>{}()=;]*)</g)]
        .filter(([tag]) => !tag.includes("mono"))
        .map(([, , words]) => `${file}: ${words?.trim()}`)
    })
    expect(faults).toEqual([])
  })

  test("directions are logical, so that a screen can be read from the right", () => {
    const physical =
      /(?<![\w-])(?:(?:margin|padding|border)-(?:left|right|top|bottom)|(?:min-|max-)?(?:width|height)|left|right)\s*:/g
    for (const file of sources(".css")) {
      const rules = read(file).replace(/@media[^{]*/g, "")
      expect(rules.match(physical) ?? [], file).toEqual([])
    }
  })
})
