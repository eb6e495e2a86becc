import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { asRows, isPowerOfTwo } from "../../shapes.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface RmsNormAttributes {
  /** Added to the mean of squares; > 0, so that a row of zeros has an answer. */
  eps: number
}
export interface RmsNormProblem extends RmsNormAttributes {
  shape: Shape
  rows: number
  cols: number
}

/** x float32 [..., cols], w float32 [cols] → x · w / √(mean of x² along the last axis + eps), of x's shape */
export const rmsNorm = defineKernel<RmsNormProblem, RmsNormAttributes, "row">({
  name: "rms-norm",
  inputs: [float32("x"), float32("w")],
  defaults: { eps: 1e-5 },
  algorithms: {
    row: defineAlgorithm<RmsNormProblem, (typeof wgsl)["ops/rms-norm/rms-norm.wgsl"]>(
      wgsl["ops/rms-norm/rms-norm.wgsl"],
      {
        config: () => ({ REDUCE_SUM: true }),
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: WG! * 4 }),
        refuses: (_problem, { WG }) => (isPowerOfTwo(WG!) ? undefined : `WG = ${WG} is no power of two`),
        dispatch: ({ rows, cols, eps }) => ({ workgroups: cols === 0 ? 0 : rows, params: { rows, cols, eps } }),
      },
    ),
  },
  problem(inputs, { eps }) {
    const [x, w] = inputs.map((input) => input!.shape)
    const { rows, cols } = asRows("rms-norm", x!)
    if (w!.length !== 1 || w![0] !== cols)
      throw fail("IPFA_INPUT_SHAPE", {
        message: `rms-norm takes a weight for each of ${cols} columns, not [${w}].`,
        data: { path: "w", expected: `[${cols}]` },
      })
    // float32's smallest normal number, below which a device may make it 0
    if (!(eps >= 2 ** -126 && Number.isFinite(Math.fround(eps))))
      throw fail("IPFA_INPUT_INVALID", {
        message: `rms-norm's eps is a number above 0, not ${eps}.`,
        data: { path: "eps", expected: "> 0" },
      })
    return { shape: x!, rows, cols, eps }
  },
  output: ({ shape }) => ({ dtype: "float32", shape }),
  plan: () => ({ algorithm: "row" }),
  reference,
  cases,
})
