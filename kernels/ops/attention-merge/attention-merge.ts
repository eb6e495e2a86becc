import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface AttentionMergeProblem {
  shape: Shape
  splits: number
  size: number
}

/** What `attention` gives with splits, float32 [splits, batch, heads, seq, size + 2]: sums, the largest score, the sum of the shares → [batch, heads, seq, size] */
export const attentionMerge = defineKernel<AttentionMergeProblem, Record<string, never>, "flat">({
  name: "attention-merge",
  inputs: [float32("x")],
  defaults: {},
  algorithms: {
    flat: defineAlgorithm<AttentionMergeProblem, (typeof wgsl)["ops/attention-merge/attention-merge.wgsl"]>(
      wgsl["ops/attention-merge/attention-merge.wgsl"],
      {
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
        dispatch({ shape, splits, size }, { WG }) {
          const total = elems(shape)
          return { workgroups: Math.ceil(total / WG!), params: { elems: total, size, splits } }
        },
      },
    ),
  },
  problem([x]) {
    const [splits = 0, ...rows] = x!.shape
    const size = (rows.pop() ?? 0) - 2
    if (rows.length !== 3 || size < 0 || splits < 1)
      throw fail("IPFA_INPUT_SHAPE", {
        message: `attention-merge takes x as [splits, batch, heads, seq, size + 2], not [${x!.shape}].`,
        data: { path: "x", expected: "[splits, batch, heads, seq, size + 2]" },
      })
    return { shape: [...rows, size], splits, size }
  },
  output: ({ shape }) => ({ dtype: "float32", shape }),
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
