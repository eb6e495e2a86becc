import { readFileSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { importFaults } from "../../scripts/imports.ts"
import { listSources, repoRoot } from "../../scripts/sources.ts"

const faults = (files: Record<string, string>) => importFaults(new Map(Object.entries(files)))

test("the repository's imports go one way, without cycles", () => {
  const files = listSources([".ts", ".tsx"]).map(
    (file) => [file, readFileSync(path.join(repoRoot, file), "utf8")] as const,
  )
  expect(importFaults(new Map(files))).toEqual([])
})

test("an import against the direction, a cycle and an unknown folder are named", () => {
  expect(faults({ "protocol/a.ts": 'import { x } from "../engine/b.ts"' })).toEqual([
    "protocol/a.ts imports engine/b.ts: protocol may import only nothing",
  ])
  expect(faults({ "engine/a.ts": 'import "./b.ts"', "engine/b.ts": 'export * from "./a.ts"' })).toEqual([
    "import cycle: engine/a.ts → engine/b.ts → engine/a.ts",
  ])
  expect(faults({ "elsewhere/a.ts": 'import "../protocol/index.ts"' })).toHaveLength(1)
})

test("sdk may import engine lazily, not at once", () => {
  expect(faults({ "sdk/a.ts": 'const e = await import("../engine/index.ts")' })).toEqual([])
  expect(faults({ "sdk/a.ts": 'import type { E } from "../engine/index.ts"' })).toEqual([])
  expect(faults({ "sdk/a.ts": 'import { e } from "../engine/index.ts"' })).toHaveLength(1)
})

test("a type import is no cycle", () => {
  expect(
    faults({ "engine/a.ts": 'import type { B } from "./b.ts"', "engine/b.ts": 'import { a } from "./a.ts"' }),
  ).toEqual([])
})
