import type { KernelCase, Shape } from "../../define-kernel.ts"
import type { FromPixelsAttributes, FromPixelsProblem } from "./from-pixels.ts"
import { shareError } from "./reference.ts"

type Case = KernelCase<FromPixelsProblem, FromPixelsAttributes, "flat">

const of = (name: string, image: Shape, attributes: Partial<FromPixelsAttributes>, rest: Partial<Case> = {}): Case => ({
  name,
  shapes: [image],
  dtype: "uint32",
  fill: { kind: "integers", low: 0, high: 2 ** 32 - 1 },
  attributes: attributes as FromPixelsAttributes,
  tolerance: shareError,
  ...rest,
})

export const cases: Case[] = [
  of("one pixel", [1, 1], {}),
  of("no pixels", [0, 3], {}),
  of("none of some pixels", [2, 3], { size: [0, 4] }),
  of("as it is", [5, 13], {}),
  of("larger", [4, 5], { size: [9, 14] }),
  of("smaller", [23, 31], { size: [5, 7] }),
  of("smaller one way, larger the other", [30, 4], { size: [7, 9] }),
  of("smaller, of the four around alone", [23, 31], { size: [5, 7], antialias: false }),
  of("a part, larger", [9, 11], { crop: [2, 3, 5, 4], size: [8, 10] }),
  of("a part at the end", [9, 11], { crop: [4, 6, 5, 5] }),
  of("normalized, blue first", [6, 7], { channels: "bgr", mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] }), // biome-ignore format: a case is a line
  of("gray, from -1 to 1", [6, 7], { channels: "gray", mean: [0.5], deviation: [0.5] }),
  of("over 65,535 workgroups", [3, 3], { size: [257, 1025], channels: "gray" }, { tuning: { WG: 4 }, large: true }),
]
