import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { expect, test } from "vitest"
import { DEMO_SHA256 } from "../../extension/ui/demo-model.ts"
import { inkOf, type Stroke } from "../../extension/ui/welcome/ink.ts"
import { nativeLogits } from "../support/digits.ts"
import { drawnDigits } from "../support/drawn-digits.ts"

const ink = (strokes: readonly Stroke[]) => [...(inkOf(strokes) as Float32Array)]

test("digits that are drawn with a pen's strokes are read rightly by the model", async () => {
  const logits = await nativeLogits(Object.values(drawnDigits).map(ink))
  const read = Object.keys(drawnDigits).map((_, i) => {
    const own = logits.slice(10 * i, 10 * i + 10)
    return own.indexOf(Math.max(...own))
  })
  expect(read).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test("where and how large it is drawn makes no difference", () => {
  const drawn = drawnDigits[2] as Stroke[]
  const moved = drawn.map((stroke) => stroke.map(([x, y]) => [3 * x + 40, 3 * y - 7] as const))
  const [a, b] = [ink(drawn), ink(moved)]
  // Dots on the very edge of the pen may fall on either side.
  expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))).toBeLessThanOrEqual(1)
})

test("a dot is ink in the middle, a line as wide as the square stays in it, and nothing is nothing", () => {
  expect(ink([[[5, 5]]]).filter((value) => value > 0).length).toBeGreaterThan(0)
  const line = ink([
    [
      [0, 0],
      [100, 0],
    ],
  ])
  expect(line.slice(24, 40).reduce((a, b) => a + b)).toBe(line.reduce((a, b) => a + b))
  expect(Math.max(...line)).toBeLessThanOrEqual(16)
  expect(inkOf([])).toBeUndefined()
})

test("the model that the extension brings along is the one it says", () => {
  const report = readFileSync(resolve(import.meta.dirname, "../../models/digits/samples.json"), "utf8")
  expect(JSON.parse(report).sha256).toBe(DEMO_SHA256)
})
