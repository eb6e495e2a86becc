import type { KernelCase, Shape } from "../../define-kernel.ts"
import type { FftAttributes, FftProblem } from "./fft.ts"
import { turnsOf } from "./passes.ts"
import { fftError } from "./reference.ts"

type Case = KernelCase<FftProblem, FftAttributes, "passes">

const plain: FftAttributes = { complex: false, length: 0, inverse: false, oneSided: false, power: false, frame: 0, hop: 0 } // biome-ignore format: the attributes

/** A window of `window` numbers, where that is given. */
const of = (
  name: string,
  x: Shape,
  own: Partial<FftAttributes> = {},
  { window, ...rest }: Partial<Case> & { window?: number } = {},
): Case => {
  const attributes = { ...plain, ...own }
  const length = attributes.length || attributes.frame || x.at(attributes.complex ? -2 : -1)!
  return {
    name,
    shapes: [x, [length, 2], window === undefined ? undefined : [window]],
    fill: [
      { kind: "uniform", low: -1, high: 1 },
      { kind: "values", values: [...turnsOf(length)] },
      { kind: "uniform", low: 0, high: 1 },
    ],
    attributes,
    tolerance: fftError,
    ...rest,
  }
}
const complex = { complex: true }

export const cases: Case[] = [
  of("one number", [1]),
  of("nothing", [0, 8]),
  // Of few passes, and with constants of their own: what is quickest to compile catches most wrong variants.
  of("by two", [3, 2, 2], complex, { tuning: { WG: 8, ROWS: 2 } }),
  of("by three", [3, 9, 2], complex, { tuning: { WG: 8, ROWS: 2 } }),
  of("by four", [3, 16, 2], complex, { tuning: { WG: 8, ROWS: 2 } }),
  of("by five", [3, 25, 2], complex, { tuning: { WG: 8, ROWS: 2 } }),
  of("zeros behind", [2, 3, 10, 2], { ...complex, length: 16 }, { tuning: { WG: 8, ROWS: 2 } }),
  of("frames", [2, 50], { frame: 16, hop: 7, oneSided: true }, { tuning: { WG: 8, ROWS: 2 } }),
  of("real numbers", [2, 8]),
  of("by four and by two", [3, 128, 2], complex),
  of("by each", [3, 120, 2], complex),
  of("as many as a workgroup holds", [1, 1024, 2], complex),
  of("more rows than one workgroup's", [5, 60, 2], complex, { tuning: { WG: 32, ROWS: 2 } }),
  of("an invocation more than there are sums", [2, 12, 2], complex, { tuning: { WG: 7, ROWS: 1 } }),
  of("one invocation", [2, 60, 2], complex, { tuning: { WG: 1, ROWS: 2 } }),
  of("inverse", [3, 60, 2], { ...complex, inverse: true }),
  of("inverse of real numbers", [3, 30], { inverse: true }),
  of("one side of an even length", [3, 30], { oneSided: true }),
  of("one side of an odd length", [3, 45], { oneSided: true }),
  of("power", [3, 40], { oneSided: true, power: true }),
  of("cut off", [2, 3, 21], { length: 16 }),
  of("complex frames with a window", [2, 50, 2], { ...complex, frame: 16, hop: 16 }, { window: 16 }),
  of("frames with a window and zeros behind", [2, 57], { frame: 20, hop: 10, length: 32, oneSided: true, power: true }, { window: 20 }), // biome-ignore format: a case is a line
  of("over 65,535 workgroups", [65_537, 1], {}, { tuning: { WG: 1, ROWS: 1 }, large: true }),
]
