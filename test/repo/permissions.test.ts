import { readFileSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { repoRoot } from "../../scripts/sources.ts"

interface Manifest {
  permissions?: string[]
  host_permissions?: string[]
  optional_permissions?: string[]
  optional_host_permissions?: string[]
}

// Not imported by name: its types are those of another version of Vite.
const { default: config } = (await import(path.join(repoRoot, "wxt.config.ts"))) as {
  default: { manifest(env: object): Manifest }
}
const builds = [
  ["chrome", 3],
  ["edge", 3],
  ["firefox", 2],
  ["safari", 2],
  ["safari", 3],
] as const

/** All that the manifest for `browser` asks for. */
function asked(browser: string, manifestVersion: 2 | 3): string[] {
  const manifest = config.manifest({ browser, manifestVersion, mode: "production", command: "build" })
  const {
    permissions = [],
    host_permissions = [],
    optional_permissions = [],
    optional_host_permissions = [],
  } = manifest
  return [...permissions, ...host_permissions, ...optional_permissions, ...optional_host_permissions]
}

/** Each permission of docs/permissions.md, from the first column of its table. */
const explained = readFileSync(path.join(repoRoot, "docs/permissions.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .flatMap((line) => [...line.split("|")[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))

test.each(builds)(
  "every permission in %s's manifest (version %d) is explained in docs/permissions.md",
  (browser, version) => {
    const wanted = asked(browser, version)
    expect(wanted).toContain("storage")
    expect(wanted.filter((permission) => !explained.includes(permission))).toEqual([])
  },
)

test("docs/permissions.md explains no permission that nothing asks for", () => {
  const wanted = new Set(builds.flatMap(([browser, version]) => asked(browser, version)))
  expect(explained.filter((permission) => !wanted.has(permission))).toEqual([])
})
