import path from "node:path"
import { expect, test } from "vitest"
import { outputFiles } from "../../bridge-server/cli/output-files.ts"
import { bytesText } from "../../bridge-server/cli/print.ts"
import { bytesText as onScreens } from "../../engine/agent/screen-words.ts"
import fc from "../property.ts"

test("outputs whose names differ only in what a file can't be called have a file each, by order", () => {
  expect(outputFiles(["y", "a/b", "a_b", "Y", "a:b", "a_b-2"])).toEqual([
    "y.npy",
    "a_b.npy",
    "a_b-2.npy",
    "Y-2.npy",
    "a_b-3.npy",
    "a_b-2-2.npy",
  ])
})

test("whatever outputs are called, each has a file of its own within the folder", () => {
  const name = fc.oneof(fc.string(), fc.constantFrom("..", "../y", "/y", "y", "Y", "_y", "y-2", "a\\b", ""))
  fc.assert(
    fc.property(fc.uniqueArray(name), (outputs) => {
      const files = outputFiles(outputs)
      expect(new Set(files.map((file) => file.toLowerCase())).size).toBe(outputs.length)
      for (const file of files) expect(path.dirname(path.resolve("dir", file))).toBe(path.resolve("dir"))
    }),
  )
})

test.each([0, 999, 1_000_000, 25_165_824, 2 ** 30])("commands write %s bytes as the screens do", (count) => {
  expect(bytesText(count)).toBe(onScreens(count, "en"))
})
