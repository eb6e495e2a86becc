import {
  arrayTypes,
  type Dtype,
  dtypeBytes,
  elements,
  type Tensor,
  type TensorData,
  type TensorInfo,
} from "../../protocol/index.ts"
import type { InputForms } from "./recent.ts"

/** Tensors of these forms with nothing of a caller's in them: the same random numbers from 0 to 1 each time, and zeros, which are in range as indices. */
export function trialFeeds(forms: InputForms): Record<string, Tensor> {
  const random = seeded(1)
  return Object.fromEntries(
    Object.entries(forms).map(([name, { dtype, shape }]) => [
      name,
      { dtype, shape: [...shape], data: fill(dtype, elements(shape), random) },
    ]),
  )
}

/** The smallest forms that a model's inputs may have: a dimension that is open is 1. */
export function smallestForms(inputs: readonly TensorInfo[]): InputForms {
  return Object.fromEntries(
    inputs.map(({ name, dtype, shape }) => [
      name,
      { dtype, shape: shape.map((dim) => (typeof dim === "number" && dim > 0 ? dim : 1)) },
    ]),
  )
}

function fill(dtype: Dtype, count: number, random: () => number): TensorData {
  if (dtype === "string") return new Array<string>(count).fill("")
  if (dtype === "uint4" || dtype === "int4") return new Uint8Array(dtypeBytes(dtype, count))
  const data = new arrayTypes[dtype](count)
  if (data instanceof Float32Array || data instanceof Float64Array) return data.map(random)
  // Bits: from 0.5 to 1.
  if (dtype === "float16") return (data as Uint16Array).map(() => 0x3800 + random() * 0x400)
  if (dtype === "bfloat16") return (data as Uint16Array).map(() => 0x3f00 + random() * 0x80)
  return data
}

/** Park and Miller's minimal standard generator. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
}
