import type { Fill, GpuDtype, KernelCase, Shape, StoredDtype } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { CastAttributes, CastProblem } from "./cast.ts"

type Case = KernelCase<CastProblem, CastAttributes, "flat">

const of = (
  name: string,
  dtype: GpuDtype,
  to: StoredDtype,
  shape: Shape,
  fill: Fill,
  rest: Partial<Case> = {},
): Case => ({
  name,
  shapes: [shape],
  dtype,
  fill,
  attributes: { to, truth: false, whole: false },
  tolerance: exact,
  ...rest,
})
const uniform: Fill = { kind: "uniform", low: -9, high: 9 }
// Within 2^24: a conversion to float32 rounds as the device pleases beyond it.
const whole: Fill = { kind: "integers", low: -(2 ** 24), high: 2 ** 24 }
// What float16 holds: a conversion to it rounds as the device pleases.
const halves: Fill = { kind: "values", values: [1.5, -2, 0.0009765625, 65504, 3, -0.25, 7] }
const some: Fill = { kind: "values", values: [0, 1, 3, 0, 2] }

export const cases: Case[] = [
  of("one element", "float32", "int32", [1], uniform),
  of("nothing", "float32", "int32", [0, 3], uniform),
  of("fractions towards 0", "float32", "int32", [130], uniform),
  of("fractions to unsigned", "float32", "uint32", [65], { kind: "uniform", low: 0, high: 9 }),
  of("whole numbers to float32", "int32", "float32", [130], whole),
  of("unsigned to float32", "uint32", "float32", [70], { kind: "integers", low: 0, high: 2 ** 24 }),
  of("an odd number to float16", "float32", "float16", [131], halves),
  of("an even number to float16", "float32", "float16", [4, 16], halves),
  of("one to float16", "float32", "float16", [], halves),
  of("whole numbers to float16", "int32", "float16", [3, 3], { kind: "integers", low: -2048, high: 2048 }),
  of("unsigned to float16", "uint32", "float16", [7], { kind: "integers", low: 0, high: 2048 }),
  of("fours, one workgroup and one", "int32", "float32", [65, 4], whole),
  of("fours to float16, one workgroup and one", "int32", "float16", [65, 4], { kind: "integers", low: -2048, high: 2048 }), // biome-ignore format: a case is a line
  of("fours towards 0", "float32", "int32", [3, 8], uniform),
  of("to the same", "float32", "float32", [70], uniform),
  ...(["float32", "int32", "uint32"] as const).map((dtype) =>
    of(`is ${dtype} not 0`, dtype, "uint32", [64], some, { attributes: { to: "uint32", truth: true, whole: false } }),
  ),
  of("which of five are not 0", "int32", "uint32", [5], some, {
    attributes: { to: "uint32", truth: true, whole: false },
  }),
  of("is a fraction not 0", "float32", "uint32", [9], { kind: "values", values: [0.25, 0, -0.5] }, { attributes: { to: "uint32", truth: true, whole: false } }), // biome-ignore format: a case is a line
  of("whole, there and back", "float32", "float32", [130], uniform, { attributes: { to: "float32", truth: false, whole: true } }), // biome-ignore format: a case is a line
  of("whole by fours", "float32", "float32", [3, 8], uniform, { attributes: { to: "float32", truth: false, whole: true } }), // biome-ignore format: a case is a line
  of("over 65,535 workgroups", "int32", "float32", [65_537 * 4 + 1], whole, { tuning: { WG: 4 }, large: true }),
]
