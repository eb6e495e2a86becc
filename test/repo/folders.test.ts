import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { listSources, repoRoot } from "../../scripts/sources.ts"

/** The tree's top two levels: as planned, and as docs/design/0008 says. */
const tree: Record<string, string> = {
  ".ci": "",
  bench: "kernels native page results transports",
  "bridge-server": "access cli dashboard fleet http native page-parts service storage worker-page",
  docs: "design screens",
  engine: "agent backends pool probe resolve store worker",
  examples: "",
  extension: "background build entrypoints gate page public supervisor ui",
  graph: "infer validate wire",
  kernels: "ops packed pixels quirks tuning wgsl",
  models: "digits",
  "native-host": "",
  protocol: "errors methods transports",
  scheduler: "",
  scripts: "new packages start",
  sdk: "",
  test: "attacks chaos conformance e2e kernels protocol regression repo support unit",
}

test("the folders are those that are written down; a new one wants its place here, and its reason in docs/design", () => {
  const folders: Record<string, Set<string>> = {}
  for (const file of listSources([""])) {
    const [top = "", second, ...rest] = file.split("/")
    if (second === undefined) continue
    folders[top] ??= new Set()
    if (rest.length > 0) folders[top].add(second)
  }
  const found = Object.entries(folders).map(([top, seconds]) => [top, [...seconds].sort().join(" ")])
  expect(Object.fromEntries(found)).toEqual(tree)
})

const outbuildings = [".ci", "bench", "docs", "examples", "scripts", "test"]
const house = Object.keys(tree).filter((folder) => !outbuildings.includes(folder))

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
