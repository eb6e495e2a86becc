import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface PhiloxProblem {
  shape: Shape
}

/** Random words: for each of counter uint32 [...], followed by rest uint32 [3], those of `philox4x32` under key uint32 [2] → uint32 [..., 4] */
export const philox = defineKernel<PhiloxProblem, Record<string, never>, "flat">({
  name: "philox",
  inputs: [
    { name: "counter", dtypes: ["uint32"] },
    { name: "rest", dtypes: ["uint32"] },
    { name: "key", dtypes: ["uint32"] },
  ],
  defaults: {},
  algorithms: {
    flat: defineAlgorithm<PhiloxProblem, (typeof wgsl)["ops/philox/philox.wgsl"]>(wgsl["ops/philox/philox.wgsl"], {
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
      dispatch({ shape }, { WG }) {
        const rows = elems(shape)
        return { workgroups: Math.ceil(rows / WG!), params: { rows } }
      },
    }),
  },
  problem([counter, rest, key]) {
    for (const [path, fits, expected] of [
      ["rest", rest!.shape.join() === "3", "[3]"],
      ["key", key!.shape.join() === "2", "[2]"],
    ] as const)
      if (!fits) throw fail("IPFA_INPUT_SHAPE", { message: `philox takes ${path} as ${expected}.`, data: { path, expected } }) // biome-ignore format: a line
    return { shape: counter!.shape }
  },
  output: ({ shape }) => ({ dtype: "uint32", shape: [...shape, 4] }),
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
