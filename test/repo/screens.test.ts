import { globSync, readFileSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { repoRoot } from "../../scripts/sources.ts"
import { screens } from "../support/screens.ts"

test("every page of the extension that a person sees is among the screens that are tested and pictured", () => {
  const shown = globSync("extension/entrypoints/*/index.html", { cwd: repoRoot })
    .filter((file) => readFileSync(path.join(repoRoot, file), "utf8").includes("theme.css"))
    .map((file) => path.basename(path.dirname(file)))
  expect(screens.map(({ name }) => name).sort()).toEqual(shown.sort())
})
