import { float16Bits } from "../../protocol/float16.ts"
import { arrayTypes, type Tensor, type TensorInfo } from "../../protocol/index.ts"

/** Values for a model's inputs, the same each time: floats from 0.25 to 1.25, whole numbers of 1. Dimensions that vary are as `dims` says, or 1. */
export function feedsFor(
  inputs: readonly TensorInfo[],
  dims: Readonly<Record<string, number>> = {},
): Record<string, Tensor> {
  return Object.fromEntries(
    inputs.map(({ name, dtype, shape }): [string, Tensor] => {
      const fixed = shape.map((dim) => (typeof dim === "number" ? dim : (dims[dim ?? ""] ?? 1)))
      return [name, tensorOf(dtype, fixed)]
    }),
  )
}

export function tensorOf(dtype: TensorInfo["dtype"], shape: number[]): Tensor {
  const n = shape.reduce((product, dim) => product * dim, 1)
  const floats = Float32Array.from({ length: n }, (_, i) => Math.sin(i * 0.37) * 0.5 + 0.75)
  if (dtype === "float32") return { dtype, shape, data: floats }
  if (dtype === "float16") return { dtype, shape, data: Uint16Array.from(floats, float16Bits) }
  const whole = new arrayTypes[dtype as "int64"](n)
  return { dtype, shape, data: whole.fill(1n) } as Tensor
}
