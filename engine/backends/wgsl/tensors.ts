import { elementType, type TensorProto } from "../../../graph/index.ts"
import type { GpuDtype } from "../../../kernels/index.ts"
import {
  arrayTypes,
  type Dtype,
  fail,
  float16Bits,
  float16Value,
  type Tensor,
  type TensorData,
} from "../../../protocol/index.ts"
import type { Words } from "./program.ts"
import { unsupported } from "./unsupported.ts"

/** What each dtype is computed as: WGSL has 32-bit words. 64-bit integers are narrowed where they fit, bool is 1 or 0. */
const computedAs: Partial<Record<Dtype, GpuDtype>> = {
  float32: "float32",
  float16: "float32",
  int64: "int32",
  int32: "int32",
  int16: "int32",
  int8: "int32",
  uint16: "int32",
  uint8: "int32",
  uint32: "uint32",
  bool: "uint32",
}

/** Throws IPFA_DEVICE_UNSUPPORTED for what has no words: float64, uint64, 4-bit integers, strings. */
export function gpuDtype(dtype: string): GpuDtype {
  const found = Object.hasOwn(computedAs, dtype) ? computedAs[dtype as Dtype] : undefined
  if (!found) throw unsupported(`they compute no ${dtype}`)
  return found
}

/** A caller's tensor as words. Throws IPFA_INPUT_INVALID for a 64-bit integer that 32 bits don't hold. */
export function toWords(name: string, { dtype, data }: Tensor): Words {
  const type = gpuDtype(dtype)
  if (dtype === "float16") return Float32Array.from(data as Uint16Array, float16Value)
  if (dtype === "int64") {
    const narrow = new Int32Array((data as BigInt64Array).length)
    for (const [i, value] of (data as BigInt64Array).entries()) {
      narrow[i] = Number(value)
      if (BigInt(narrow[i]!) !== value)
        throw fail("IPFA_INPUT_INVALID", {
          message: `${name}: ${value} does not fit the 32 bits that our kernels compute in.`,
          data: { path: `feeds.${name}`, expected: "whole numbers of 32 bits" },
        })
    }
    return narrow
  }
  return data instanceof arrayTypes[type]
    ? (data as Words)
    : arrayTypes[type].from(data as unknown as ArrayLike<number>)
}

/** Words as the elements of `dtype`. */
export function fromWords(dtype: Dtype, words: Words): TensorData {
  if (dtype === "float16") return Uint16Array.from(words, float16Bits)
  if (dtype === "int64") return BigInt64Array.from(words as Int32Array, BigInt)
  const type = arrayTypes[dtype as "float32"]
  return words instanceof type
    ? words
    : (type as { from(list: ArrayLike<number>): Float32Array<ArrayBuffer> }).from(words)
}

/** A stored tensor's elements as words. Throws IPFA_DEVICE_UNSUPPORTED for external data and for what is no number of ours. */
export function storedWords(tensor: TensorProto): Words {
  const type = elementType(tensor.dataType)
  if (tensor.externalData.length > 0) throw unsupported("its weights are in files beside it")
  if (!type?.dtype) throw unsupported(`they compute no ${type?.name}`)
  const as = gpuDtype(type.dtype)
  const { rawData } = tensor
  if (rawData.byteLength > 0) {
    // A copy, aligned: a Buffer's own slice would be its pool.
    const own = new Uint8Array(rawData).buffer
    return toWords(tensor.name, { dtype: type.dtype, shape: [], data: new arrayTypes[type.dtype as "float32"](own) })
  }
  const field = tensor[type.field] as ArrayLike<number | bigint>
  if (type.dtype === "float16") return Float32Array.from(field as ArrayLike<number>, float16Value)
  return arrayTypes[as].from(Array.from(field, Number))
}

/** `elements` as words of `dtype`. */
export function wordsOf(dtype: GpuDtype, elements: readonly number[]): Words {
  return arrayTypes[dtype].from(elements)
}
