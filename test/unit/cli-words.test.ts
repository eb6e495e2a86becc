import path from "node:path"
import { expect, test, vi } from "vitest"
import { outputFiles } from "../../bridge-server/cli/output-files.ts"
import { bytesText, printError } from "../../bridge-server/cli/print.ts"
import { bytesText as onScreens } from "../../engine/agent/screen-words.ts"
import { fail, noDevice } from "../../protocol/index.ts"
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

test.each([
  [
    "each reason that its message has not",
    noDevice(["a", "b", "c", "d", "e"].map((device) => ({ device, reason: "was lost" }))),
    /a: was lost; .*; 1 more\)\n {2}e: was lost\n$/,
  ],
  ["nothing of devices that are only named", fail("IPFA_JOB_LOST", { data: { devices: ["a", "b"] } }), /^[^\n]+\n$/],
  ["its one reason", fail("IPFA_MODEL_INVALID", { data: { reason: "it is cut off" } }), /\n {2}it is cut off\n$/],
])("an error is printed with %s", (_, error, expected) => {
  const written: unknown[] = []
  const write = vi.spyOn(process.stderr, "write").mockImplementation((text) => written.push(text) > 0)
  try {
    printError(error, false)
  } finally {
    write.mockRestore()
  }
  expect(written.join("")).toMatch(expected)
})
