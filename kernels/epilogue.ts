import { fail } from "../protocol/errors/error.ts"
import { type Activation, activationConfig, activationParams } from "./activation.ts"
import type { Shape, TensorType } from "./define-kernel.ts"

/** What a product goes through before it is stored, beside a bias and a residual: see wgsl/store-sum.wgsl. */
export interface EpilogueAttributes {
  /** What the product is multiplied by, before anything is added to it. */
  scale: number
  activation: Activation | undefined
  /** The residual is added before the activation, else after it. */
  residualFirst: boolean
}
/** A kernel's problem says of it: */
export interface Epilogue {
  scale: number
  bias: boolean
  residual: "before" | "after" | undefined
  activation: Activation | undefined
}

/** What wgsl/store-sum.wgsl asks about. */
export const epilogueConfig = ({ scale, bias, residual, activation }: Epilogue) => ({
  SCALE: scale !== 1,
  BIAS: bias,
  RESIDUAL: residual ?? false,
  ...activationConfig(activation),
})

/** What it reads of `Params`. */
export const epilogueParams = ({ scale, activation }: Epilogue) => ({ scale, ...activationParams(activation) })

/** Of a product [..., n] of this shape. Throws what `refuse` makes where the bias is not [n] or the residual not of its shape, IPFA_INPUT_INVALID as `activationParams` does and for a scale that is no number. */
export function epilogueOf(
  kernel: string,
  shape: Shape,
  { bias, residual }: Record<"bias" | "residual", TensorType | undefined>,
  { scale, activation, residualFirst }: EpilogueAttributes,
  refuse: (path: string, expected: string) => Error,
): Epilogue {
  if (bias && bias.shape.join() !== `${shape.at(-1)}`) throw refuse("bias", `[${shape.at(-1)}]`)
  if (residual && residual.shape.join() !== shape.join()) throw refuse("residual", `[${shape}]`)
  if (!Number.isFinite(Math.fround(scale)))
    throw fail("IPFA_INPUT_INVALID", {
      message: `${kernel}'s scale is a number, not ${scale}.`,
      data: { path: "scale", expected: "a number" },
    })
  activationParams(activation)
  return { scale, bias: bias !== undefined, residual: residual && (residualFirst ? "before" : "after"), activation }
}
