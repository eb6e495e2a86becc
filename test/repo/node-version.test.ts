import { readFileSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { checkNode } from "../../bridge-server/cli/checks.ts"
import { listSources, repoRoot } from "../../scripts/sources.ts"

const read = (file: string) => readFileSync(path.join(repoRoot, file), "utf8")
const engine = (file: string): string => JSON.parse(read(file)).engines.node.replace(">=", "")
const least = engine("bridge-server/package.json")

test("the Node that the bridge-server needs is what doctor asks for, and what it is built for", () => {
  expect(checkNode(`${least}.0`).ok).toBe(true)
  expect(checkNode("100.0.0").ok).toBe(true)
  const [major, minor] = least.split(".").map(Number)
  expect(checkNode(`${major}.${minor! - 1}.9`)).toMatchObject({ ok: false, fix: `Use Node ${least} or later.` })
  expect(checkNode("9.99.0").ok).toBe(false)
  expect(read("scripts/packages/bridge.ts")).toContain(`"node${least}"`)
  expect(read("docs/bridge.md")).toContain(`Node ${least} or newer`)
})

test("the Node that is enough to begin is the same wherever it is told", () => {
  const begin = engine("package.json")
  expect(engine("sdk/package.json")).toBe(begin)
  expect(read("README.md")).toContain(`Node ${begin} or newer`)
  expect(read("sdk/README.md")).toContain(`Node ≥ ${begin}`)
  expect(read("scripts/bootstrap.mjs")).toContain(`version ${begin} or newer`)
})

interface Known {
  __compat?: { support: { nodejs?: Support | Support[] } }
  [part: string]: Known | Known["__compat"]
}
interface Support {
  version_added: string | false
}

/** JavaScript's globals and their static members that the oldest Node has not, by MDN's table. */
function tooNew(): string[] {
  const [major = 0, minor = 0] = least.split(".").map(Number)
  const lacks = (known: Known) => {
    const support = [known.__compat?.support.nodejs].flat()[0]
    if (!support?.version_added) return support !== undefined
    const [since = 0, part = 0] = support.version_added.replace("≤", "").split(".").map(Number)
    return since > major || (since === major && part > minor)
  }
  // Parsed, not imported: vitest would make a module of all its megabytes first.
  const { javascript } = JSON.parse(read("node_modules/@mdn/browser-compat-data/data.json"))
  const globals = Object.entries(javascript.builtins as Record<string, Known>)
  return globals.flatMap(([name, known]) =>
    lacks(known)
      ? [name]
      : Object.entries(known).flatMap(([member, part]) =>
          member !== "__compat" && lacks(part as Known) ? [`${name}.${member}`] : [],
        ),
  )
}

test("what the bridge-server is made of uses no global that its oldest Node has not", () => {
  // Node has had these two under its own hand since 18.
  const names = tooNew().filter((name) => !/^Symbol\.(asyncD|d)ispose$/.test(name))
  expect(names).toContain("Float16Array")
  expect(names).toContain("Promise.try")
  const used = new RegExp(`(?<![\\w.])(${names.map((name) => name.replaceAll(".", "\\.")).join("|")})(?=[.(])`)
  const shared =
    /^(protocol|graph|scheduler|engine|native-host|sdk|bridge-server\/(?!worker-page|dashboard|page-parts))/
  const faults = listSources([".ts"])
    .filter((file) => shared.test(file))
    .flatMap((file) => used.exec(read(file).replace(/^\s*(\/?\*|\/\/).*$/gm, ""))?.[1]?.concat(` in ${file}`) ?? [])
  expect(faults).toEqual([])
})
