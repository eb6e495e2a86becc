import type { KernelCase, Shape, Tolerance } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { PoolAttributes, PoolProblem } from "./pool2d.ts"
import { meanError } from "./reference.ts"

type Case = KernelCase<PoolProblem, PoolAttributes, "flat">

const of = (name: string, shape: Shape, attributes: Partial<PoolAttributes>, rest: Partial<Case> = {}) => ({
  name,
  shapes: [shape],
  fill: { kind: "uniform", low: -3, high: -1 } as const,
  attributes: attributes as PoolAttributes,
  ...rest,
})

// Values below zero: a window that takes padding for 0 is wrong.
const common = [
  of("one", [1, 1, 1, 1], {}),
  of("no images", [0, 2, 4, 4], { size: [2, 2] }),
  of("halved", [2, 3, 6, 8], { size: [2, 2], strides: [2, 2] }),
  of("uneven in all", [1, 2, 9, 7], { size: [3, 2], strides: [2, 3], pads: [1, 0, 2, 1] }),
  of("dilated", [1, 2, 9, 8], { size: [3, 2], dilations: [2, 3], pads: [1, 2, 0, 1] }),
  of("a last window that ends beyond", [1, 1, 7, 8], { size: [3, 3], strides: [2, 2], ceil: true, pads: [0, 1, 0, 1] }),
  of("a last window that would begin beyond is none", [1, 1, 4, 4], { size: [1, 1], strides: [2, 5], ceil: true }),
  of("over 65,535 workgroups", [1, 1, 257, 1025], {}, { tuning: { WG: 4 }, large: true }),
]

const finished = (tolerance: Tolerance<PoolProblem>): Case[] => common.map((one) => ({ ...one, tolerance }))

export const maxCases: Case[] = finished(exact as Tolerance<PoolProblem>)

export const averageCases: Case[] = [
  ...finished(meanError),
  ...[
    of("padding counts", [1, 2, 5, 6], { size: [3, 3], pads: [1, 2, 2, 1], includePad: true }),
    of("padding counts, what lies beyond it does not", [1, 1, 7, 7], { size: [3, 3], strides: [2, 2], pads: [1, 0, 0, 1], ceil: true, includePad: true }), // biome-ignore format: a case is a line
  ].map((one) => ({ ...one, tolerance: meanError })),
]
