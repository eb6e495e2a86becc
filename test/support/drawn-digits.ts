import type { Page } from "playwright-core"
import type { Stroke } from "../../extension/ui/welcome/ink.ts"

/** An arc of an ellipse from angle `from` to `to`, degrees, clockwise from the right as y goes down. */
function arc(cx: number, cy: number, rx: number, ry: number, from: number, to: number): [number, number][] {
  return Array.from({ length: 17 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / 16) * Math.PI) / 180
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)]
  })
}

/** Digits as a hand draws them, in a square of 100 by 100. */
export const drawnDigits: Record<number, Stroke[]> = {
  0: [arc(50, 50, 24, 38, -90, 270)],
  1: [
    [
      [38, 28],
      [52, 12],
      [52, 88],
    ],
  ],
  2: [[...arc(50, 32, 22, 20, -170, 20), [64, 48], [28, 88], [74, 88]]],
  3: [[...arc(48, 31, 20, 19, -150, 80), ...arc(48, 68, 22, 20, -80, 150)]],
  4: [
    [
      [44, 12],
      [24, 58],
      [76, 58],
    ],
    [
      [62, 30],
      [62, 88],
    ],
  ],
  5: [[[70, 12], [34, 12], [31, 46], ...arc(48, 64, 22, 24, -125, 150)]],
  6: [[[62, 12], [40, 36], ...arc(48, 66, 20, 22, -160, 200)]],
  7: [
    [
      [26, 14],
      [74, 14],
      [44, 88],
    ],
  ],
  8: [[...arc(50, 31, 18, 19, 90, 450), ...arc(50, 69, 21, 19, -90, 270)]],
  9: [[...arc(50, 34, 20, 22, 0, 360), [68, 60], [58, 88]]],
}

/** Draws it by mouse on the welcome page's pad. */
export async function drawDigit(page: Page, digit: number): Promise<void> {
  const pad = page.getByTestId("pad")
  await pad.scrollIntoViewIfNeeded()
  const box = await pad.boundingBox()
  if (!box) throw new Error("the pad is not to be seen")
  const to = ([x, y]: readonly [number, number]) =>
    [box.x + (x / 100) * box.width, box.y + (y / 100) * box.height] as const
  for (const [first, ...rest] of drawnDigits[digit] as Stroke[]) {
    await page.mouse.move(...to(first as [number, number]))
    await page.mouse.down()
    for (const point of rest) await page.mouse.move(...to(point))
    await page.mouse.up()
  }
}
