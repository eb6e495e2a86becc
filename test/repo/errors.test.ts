import { readFileSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { type MethodDefinition, methods, registry } from "../../protocol/index.ts"
import { advice } from "../../scripts/error-advice.ts"
import { generate } from "../../scripts/generate-docs.ts"
import { listSources, repoRoot } from "../../scripts/sources.ts"

/** Registry, throw sites, methods and documents in step. */

const codes = Object.keys(registry)
const sources = listSources([".ts", ".tsx", ".mjs"]).filter((file) => !/^(test|bench)\//.test(file))
const mentions = (file: string) =>
  [...readFileSync(path.join(repoRoot, file), "utf8").matchAll(/["'`](IPFA_[A-Z]+_[A-Z_]+[A-Z])["'`]/g)].map(
    (m) => m[1] as string,
  )

test("every code that the source names is in the registry", () => {
  const unknown = sources.flatMap((file) =>
    mentions(file)
      .filter((c) => !codes.includes(c))
      .map((c) => `${c} in ${file}`),
  )
  expect(unknown).toEqual([])
})

test("codes are IPFA_AREA_REASON, with a sentence that ends and a status that is an error's", () => {
  for (const [code, { status, message }] of Object.entries(registry)) {
    expect(code).toMatch(/^IPFA_[A-Z]+(_[A-Z]+)*$/)
    expect(message).toMatch(/\.$/)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
  }
})

/** What a person can be told to do, at the beginning of a sentence or after its colon, semicolon or comma. */
const asks =
  /(?:^|[.:;,] |\bor |\band )(Answer|Ask|Call|Check|Choose|Close|Compare|Connect|Correct|Delete|Feed|Give|Install|Load|Mend|Pin|Please report|Read|Reload|Run|Send|Serve|Split|Start|Stop|Try|Update|Use|Wait|let the person)\b/

test("each sentence says what to do", () => {
  const silent = Object.entries(registry).filter(([, { message }]) => !asks.test(message))
  expect(silent.map(([code]) => code)).toEqual([])
})

test("every code a method lists exists and is listed once", () => {
  for (const { errors } of methods as readonly MethodDefinition[]) {
    expect(errors.filter((code) => !codes.includes(code))).toEqual([])
    expect(new Set(errors).size).toBe(errors.length)
  }
})

test("every code and every method is documented", () => {
  const docs = generate()
  for (const code of codes) expect(docs["docs/errors.md"]).toContain(`| \`${code}\` |`)
  for (const { name } of methods) expect(docs["docs/protocol.md"]).toContain(`### ${name}\n`)
})

test.each(Object.entries(generate()))("%s is what the declarations make", (file, content) => {
  expect(readFileSync(path.join(repoRoot, file), "utf8")).toBe(content)
})

// A method's list of codes is no throw site.
test("every code in the registry is thrown somewhere", () => {
  const thrown = new Set(
    sources.filter((file) => !/^protocol\/(errors\/registry|methods\/)/.test(file)).flatMap(mentions),
  )
  // IPFA_INTERNAL is what anything becomes that is none of ours.
  expect(codes.filter((code) => !thrown.has(code) && code !== "IPFA_INTERNAL")).toEqual([])
})

test("what the advice says is in an error's data is put there where that error is thrown", () => {
  const texts = sources.map((file) => readFileSync(path.join(repoRoot, file), "utf8"))
  /** Whether `data` has `key` in what follows the code at one of the places that name it. */
  const isGiven = (code: string, key: string) =>
    texts.some((text) =>
      [...text.matchAll(new RegExp(`"${code}"`, "g"))].some(({ index }) =>
        new RegExp(`data: \\{[^}]*\\b${key}\\b`).test(text.slice(index, index + 300)),
      ),
    )
  const named = Object.entries(advice).flatMap(([code, words]) =>
    [...words.matchAll(/`data\.(\w+)`/g)].map(([, key]) => [code, key] as [string, string]),
  )
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter(([code, key]) => !isGiven(code, key))).toEqual([])
})
