import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { repoRoot } from "../../scripts/sources.ts"
import { type DefenceFault, defenceFaults } from "../../scripts/without-defences.ts"
import { type Defence, defences } from "../attacks/defences.ts"

const read = (file: string) => {
  const there = path.join(repoRoot, file)
  return existsSync(there) ? readFileSync(there, "utf8") : undefined
}

test("what is taken out by npm run defences is there, once, and so are the tests that must notice", () => {
  expect(defenceFaults(defences, read)).toEqual([])
})

test("every attack of the security model has a defence that is taken out", () => {
  const rows = (read("docs/security.md") as string).matchAll(/^\| (S\d+) /gm)
  const attacks = [...rows].map(([, attack]) => attack)
  expect(attacks).toHaveLength(16)
  expect([...new Set(defences.map(({ attack }) => attack))]).toEqual([...attacks, "starve"])
})

test.each<[DefenceFault, Partial<Defence>]>([
  ["a text that is gone", { cuts: [{ file: "a.ts", from: "no more", to: "" }] }],
  ["a text that is there twice", { cuts: [{ file: "a.ts", from: "check()", to: "" }] }],
  ["a file that is gone", { cuts: [{ file: "b.ts", from: "x", to: "" }] }],
  ["a text that stays", { cuts: [{ file: "a.ts", from: "once()", to: "once()" }] }],
  ["nothing taken out", { cuts: [] }],
  ["a test file that is gone", { tests: ["gone.test.ts"] }],
  ["no test", { tests: [] }],
])("%s is named", (fault, wrong) => {
  const right: Defence = {
    attack: "S1",
    what: "it checks",
    cuts: [{ file: "a.ts", from: "once()", to: "" }],
    tests: ["a.test.ts"],
  }
  const files: Record<string, string> = { "a.ts": "check() once() check()", "a.test.ts": "" }
  const faults = (defence: Defence) => defenceFaults([defence], (file) => files[file])
  expect(faults(right)).toEqual([])
  expect(faults({ ...right, ...wrong })).toEqual([expect.stringContaining(`S1 it checks: ${fault}`)])
})
