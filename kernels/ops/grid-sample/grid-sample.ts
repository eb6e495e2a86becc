import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32 } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface GridSampleAttributes {
  /** What a place between pixels gets. */
  mode: "linear" | "nearest" | "cubic"
  /** What lies outside of the image. */
  padding: "zeros" | "border" | "reflection"
  /** −1 and 1 are the middles of the first and the last pixel, not their outer edges. */
  align: boolean
}
export interface GridSampleProblem extends GridSampleAttributes {
  images: number
  channels: number
  /** Of x, and of the result. */
  input: readonly [height: number, width: number]
  output: readonly [height: number, width: number]
}

const source = wgsl["ops/grid-sample/grid-sample.wgsl"]

/** x float32 [n, c, h, w], grid float32 [n, h', w', 2]: a place (x, y) of the image for each pixel of the result → [n, c, h', w'] */
export const gridSample = defineKernel<GridSampleProblem, GridSampleAttributes, "flat">({
  name: "grid-sample",
  inputs: [float32("x"), float32("grid")],
  defaults: { mode: "linear", padding: "zeros", align: false },
  algorithms: {
    flat: defineAlgorithm<GridSampleProblem, typeof source>(source, {
      config: ({ mode, padding, align }) => ({ MODE: mode, PADDING: padding, ALIGN: align }),
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
      dispatch({ images, channels, input: [height, width], output }, { WG }) {
        const pixels = output[0] * output[1]
        const total = height * width === 0 ? 0 : images * channels * pixels
        return { workgroups: Math.ceil(total / WG!), params: { elems: total, channels, height, width, pixels } }
      },
    }),
  },
  problem([x, grid], attributes) {
    const [images, channels, ...input] = x!.shape
    const [count, height, width, two] = grid!.shape
    const refuse = (path: string, expected: string) =>
      fail("IPFA_INPUT_SHAPE", { message: `grid-sample takes ${path} as ${expected}.`, data: { path, expected } })
    if (x!.shape.length !== 4) throw refuse("x", "[n, c, h, w]")
    if (grid!.shape.length !== 4 || count !== images || two !== 2) throw refuse("grid", `[${images}, h, w, 2]`)
    elems([images!, channels!, height!, width!])
    return {
      ...attributes,
      images: images!,
      channels: channels!,
      input: input as [number, number],
      output: [height!, width!],
    }
  },
  output: ({ images, channels, output }) => ({ dtype: "float32", shape: [images, channels, ...output] }),
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
