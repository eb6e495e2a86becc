import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { listSources, repoRoot } from "../../scripts/sources.ts"

const house = [
  "protocol",
  "graph",
  "scheduler",
  "kernels",
  "engine",
  "extension",
  "native-host",
  "bridge-server",
  "sdk",
  "models",
]

test.each(house)("%s says in its README what lives there", (folder) => {
  expect(existsSync(path.join(repoRoot, folder, "README.md"))).toBe(true)
})

test("no file names a path of a machine or a registry's host", () => {
  const hosts = ["registry", "npmjs"].join(".")
  const text = listSources([".ts", ".tsx", ".mjs", ".md", ".json", ".sh", ".py", ".html", ".css"]).filter(
    (file) => file !== "package-lock.json",
  )
  const faults = text.filter((file) => {
    const content = readFileSync(path.join(repoRoot, file), "utf8")
    return content.includes(hosts) || /(^|[^A-Za-z0-9.:/_-])\/(work|farm|root)\//m.test(content)
  })
  expect(faults).toEqual([])
})

test("files do one thing: none passes 500 lines, but tables and tests", () => {
  const long = listSources([".ts", ".tsx", ".wgsl"])
    .filter((file) => !file.startsWith("test/"))
    .map((file) => [file, readFileSync(path.join(repoRoot, file), "utf8").split("\n").length] as const)
    .filter(([, lines]) => lines > 500)
  expect(long).toEqual([])
})
