/** Points of one stroke, x and y in any unit, y downwards. */
export type Stroke = readonly (readonly [x: number, y: number])[]

/** The data set's writers' digits were brought to 32×32 dots, of which each pixel counts 4×4. */
const DOTS = 32
const BLOCK = 4
const PIXELS = DOTS / BLOCK
/** Half the width of a pen there, in dots: with it, drawn digits hold as much ink as the data set's. */
const PEN = 2.5
/** Wider than high is no digit: what is, is not made as high as the square. */
const WIDEST = 28

/** What a pen that drew `strokes` leaves on 8×8 pixels, 0 … 16 each, row by row: as high as the square, in its middle. Undefined of nothing. */
export function inkOf(strokes: readonly Stroke[]): Float32Array<ArrayBuffer> | undefined {
  const points = strokes.flat()
  if (points.length === 0) return undefined
  const [left, right] = extent(points.map(([x]) => x))
  const [top, bottom] = extent(points.map(([, y]) => y))
  const scale = Math.min((DOTS - 2 * PEN) / Math.max(bottom - top, 1), (WIDEST - 2 * PEN) / Math.max(right - left, 1))
  const place = ([x, y]: readonly [number, number]): [number, number] => [
    DOTS / 2 + (x - (left + right) / 2) * scale,
    DOTS / 2 + (y - (top + bottom) / 2) * scale,
  ]
  const segments = strokes.flatMap((stroke) => {
    const placed = stroke.map(place)
    return placed.map((to, i) => [placed[Math.max(i - 1, 0)] as [number, number], to] as const)
  })
  const ink = new Float32Array(PIXELS * PIXELS)
  for (let y = 0; y < DOTS; y++)
    for (let x = 0; x < DOTS; x++)
      if (segments.some(([from, to]) => distance([x + 0.5, y + 0.5], from, to) <= PEN))
        ink[Math.floor(y / BLOCK) * PIXELS + Math.floor(x / BLOCK)]!++
  return ink
}

function extent(values: readonly number[]): [least: number, most: number] {
  return [Math.min(...values), Math.max(...values)]
}

/** From `point` to the nearest point between `a` and `b`. */
function distance(
  [x, y]: readonly [number, number],
  a: readonly [number, number],
  b: readonly [number, number],
): number {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]]
  const length = dx * dx + dy * dy
  const along = length === 0 ? 0 : Math.min(Math.max(((x - a[0]) * dx + (y - a[1]) * dy) / length, 0), 1)
  return Math.hypot(x - a[0] - along * dx, y - a[1] - along * dy)
}
