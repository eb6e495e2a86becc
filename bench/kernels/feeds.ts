import { elems } from "../../kernels/index.ts"
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

export function wave(shape: number[]): { dtype: "float32"; shape: number[]; data: Float32Array<ArrayBuffer> } {
  return {
    dtype: "float32",
    shape,
    data: Float32Array.from({ length: elems(shape) }, (_, i) => Math.sin(i * 0.37) * 0.5 + 0.75),
  }
}

function tensorOf(dtype: TensorInfo["dtype"], shape: number[]): Tensor {
  const floats = wave(shape)
  if (dtype === "float32") return floats
  if (dtype === "float16") return { dtype, shape, data: Uint16Array.from(floats.data, float16Bits) }
  const whole = new arrayTypes[dtype as "int64"](elems(shape))
  return { dtype, shape, data: whole.fill(1n) } as Tensor
}
