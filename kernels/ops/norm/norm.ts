import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { isPowerOfTwo, linesAlong } from "../../shapes.ts"
import { casesOf } from "./cases.ts"
import { reference } from "./reference.ts"

export interface NormAttributes {
  /** Added to the variance or mean of squares; > 0, so that a row of equal elements has an answer. */
  eps: number
  /**
   * How many neighbours share a weight, the weights going on from row to row: pixels, where rows are the channels of an image, or groups of
   * them. Unless given, each column has its weight.
   */
  span: number | undefined
}
export interface NormProblem {
  shape: Shape
  rows: number
  cols: number
  eps: number
  span: number
  weights: number
  centred: boolean
  bias: boolean
  residual: boolean
}

/** x and residual? float32 [..., cols], w and bias? [cols] → x's shape: each row of x + residual made even, times w, plus the bias. */
function norm(name: "rms-norm" | "layer-norm") {
  const centred = name === "layer-norm"
  return defineKernel<NormProblem, NormAttributes, "row">({
    name,
    inputs: [
      float32("x"),
      float32("w"),
      { ...float32("bias"), optional: true },
      { ...float32("residual"), optional: true },
    ],
    defaults: { eps: 1e-5, span: undefined },
    algorithms: {
      row: defineAlgorithm<NormProblem, (typeof wgsl)["ops/norm/norm.wgsl"]>(wgsl["ops/norm/norm.wgsl"], {
        config: ({ bias, residual }) => ({
          T: "float32",
          REDUCE_SUM: true,
          CENTRED: centred,
          BIAS: bias,
          RESIDUAL: residual,
        }),
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: WG! * 4 }),
        refuses: (_problem, { WG }) => (isPowerOfTwo(WG!) ? undefined : `WG = ${WG} is no power of two`),
        dispatch: ({ rows, cols, span, weights, eps }) => ({
          workgroups: cols === 0 ? 0 : rows,
          params: { rows, cols, span, weights, eps },
        }),
      }),
    },
    problem([x, w, bias, residual], { eps, span }) {
      const { rows, cols } = linesAlong(name, x!.shape, -1)
      const refuse = (path: string, expected: string) =>
        fail("IPFA_INPUT_SHAPE", {
          message: `${name} takes ${path} as ${expected}; x is [${x!.shape}].`,
          data: { path, expected },
        })
      const weights = elems(w!.shape)
      const fits = span === undefined ? weights === cols : (rows * cols) % (span * weights) === 0
      if (w!.shape.length !== 1 || !fits) throw refuse("w", span === undefined ? `[${cols}]` : `[n], n · ${span} a part of x`) // biome-ignore format: a check a line
      if (bias && bias.shape.join() !== w!.shape.join()) throw refuse("bias", `[${w!.shape}]`)
      if (residual && residual.shape.join() !== x!.shape.join()) throw refuse("residual", `[${x!.shape}]`)
      // float32's smallest normal number, below which a device may make it 0
      if (!(eps >= 2 ** -126 && Number.isFinite(Math.fround(eps))))
        throw fail("IPFA_INPUT_INVALID", {
          message: `${name}'s eps is a number above 0, not ${eps}.`,
          data: { path: "eps", expected: "> 0" },
        })
      if (span !== undefined && !(Number.isInteger(span) && span > 0))
        throw fail("IPFA_INPUT_INVALID", {
          message: `${name}'s span is a whole number above 0.`,
          data: { path: "span" },
        })
      return {
        shape: x!.shape,
        rows,
        cols,
        eps,
        span: span ?? 1,
        weights,
        centred,
        bias: bias !== undefined,
        residual: residual !== undefined,
      }
    },
    output: ({ shape }) => ({ dtype: "float32", shape }),
    plan: () => ({ algorithm: "row" }),
    reference,
    cases: casesOf(name),
  })
}

/** x · w / √(mean of x² along the last axis + eps) */
export const rmsNorm = norm("rms-norm")
/** (x − mean) · w / √(variance along the last axis + eps) + bias; with `span` also what ONNX calls group and instance normalization. */
export const layerNorm = norm("layer-norm")
