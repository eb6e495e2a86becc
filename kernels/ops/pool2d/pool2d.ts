import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32 } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { plainWindow, type Window, type WindowAttributes, windowOver, windowParams } from "../../window.ts"
import { averageCases, maxCases } from "./cases.ts"
import { averageReference, maxReference } from "./reference.ts"

export interface PoolAttributes extends WindowAttributes {
  size: readonly [y: number, x: number]
  /** A last window may begin within the image or its padding and end beyond. */
  ceil: boolean
  /** A mean counts the padding too. */
  includePad: boolean
}
export interface PoolProblem {
  images: number
  channels: number
  window: Window
  includePad: boolean
}

/** x float32 [n, c, h, w] → [n, c, h', w'] */
function pool(op: "max" | "average") {
  return defineKernel<PoolProblem, PoolAttributes, "flat">({
    name: `${op}-pool`,
    inputs: [float32("x")],
    defaults: { ...plainWindow, size: [1, 1], ceil: false, includePad: false },
    algorithms: {
      flat: defineAlgorithm<PoolProblem, (typeof wgsl)["ops/pool2d/pool2d.wgsl"]>(wgsl["ops/pool2d/pool2d.wgsl"], {
        config: ({ includePad }) => ({ OP: op, INCLUDE_PAD: includePad }),
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
        dispatch: ({ images, channels, window }, { WG }) => {
          const { input, output, pads } = window
          const elems = images * channels * output[0] * output[1]
          const padded = { padded_height: input[0] + pads[0] + pads[2], padded_width: input[1] + pads[1] + pads[3] }
          return { workgroups: Math.ceil(elems / WG!), params: { elems, ...windowParams(window), ...padded } }
        },
      }),
    },
    problem([x], { size, ceil, includePad, ...attributes }) {
      const { shape } = x!
      if (shape.length !== 4)
        throw fail("IPFA_INPUT_SHAPE", {
          message: `${op}-pool takes [n, c, h, w], not [${shape}].`,
          data: { path: "x", expected: "[n, c, h, w]" },
        })
      const [images, channels, height, width] = shape as readonly [number, number, number, number]
      const window = windowOver(`${op}-pool`, size, [height, width], attributes, ceil)
      const [top, left, bottom, right] = window.pads
      const reach = window.size.map((n, axis) => (n - 1) * window.dilations[axis]! + 1)
      // A window that lies in the padding alone has no largest element, and no mean.
      if (Math.max(top, bottom) >= reach[0]! || Math.max(left, right) >= reach[1]!)
        throw fail("IPFA_INPUT_INVALID", {
          message: `${op}-pool takes less padding than its window is long.`,
          data: { path: "pads" },
        })
      elems([images, channels, ...window.output])
      return { images, channels, window, includePad }
    },
    output: ({ images, channels, window }) => ({ dtype: "float32", shape: [images, channels, ...window.output] }),
    plan: () => ({ algorithm: "flat" }),
    reference: op === "max" ? maxReference : averageReference,
    cases: op === "max" ? maxCases : averageCases,
  })
}

export const maxPool = pool("max")
export const averagePool = pool("average")
