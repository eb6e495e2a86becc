import { elementType, type TensorProto } from "../../../graph/index.ts"
import { computedAs, type GpuDtype, type TensorDtype, type Words, wordsFrom } from "../../../kernels/index.ts"
import { arrayTypes, type Dtype, fail, type Tensor } from "../../../protocol/index.ts"
import { unsupported } from "./unsupported.ts"

export const isComputed = (dtype: string): dtype is TensorDtype => Object.hasOwn(computedAs, dtype)

/** The reason where `dtype` is not computed. */
export const computeNo = (dtype: string): string => `they compute no ${dtype}`

/** Throws IPFA_DEVICE_UNSUPPORTED for what has no words: float64, uint64, 4-bit integers, strings. */
export function gpuDtype(dtype: string): GpuDtype {
  if (!isComputed(dtype)) throw unsupported(computeNo(dtype))
  return computedAs[dtype]
}

/** A caller's tensor as words. Throws IPFA_INPUT_INVALID for a 64-bit integer that 32 bits don't hold. */
export function toWords(name: string, { dtype, data }: Tensor): Words {
  gpuDtype(dtype)
  return wordsFrom(dtype as TensorDtype, data, (value) =>
    fail("IPFA_INPUT_INVALID", {
      message: `${name}: ${value} does not fit the 32 bits that our kernels compute in.`,
      data: { path: `feeds.${name}`, expected: "whole numbers of 32 bits" },
    }),
  )
}

function refuseFiles({ externalData }: TensorProto): void {
  if (externalData.length > 0) throw unsupported("its weights are in files beside it")
}

/** The bytes of a stored tensor of 8 bits or fewer. Throws IPFA_DEVICE_UNSUPPORTED for external data. */
export function storedBytes(tensor: TensorProto): Uint8Array {
  refuseFiles(tensor)
  return tensor.rawData.byteLength > 0 ? tensor.rawData : Uint8Array.from(tensor.int32Data)
}

/** Throws IPFA_DEVICE_UNSUPPORTED for external data and for what is no number of ours. */
export function storedType(tensor: TensorProto): TensorDtype {
  const type = elementType(tensor.dataType)
  refuseFiles(tensor)
  if (!type?.dtype) throw unsupported(computeNo(String(type?.name)))
  gpuDtype(type.dtype)
  return type.dtype as TensorDtype
}

function storedData(tensor: TensorProto, dtype: Dtype) {
  const array = arrayTypes[dtype as "float32"]
  const { rawData } = tensor
  const field = tensor[elementType(tensor.dataType)!.field] as number[]
  // Raw bytes in a copy, which is aligned; a Buffer's own slice would be its pool. What is not 64 bits wide may be in a field that is.
  return rawData.byteLength > 0
    ? new array(new Uint8Array(rawData).buffer)
    : array.from(dtype === "int64" ? field : Array.from(field, Number))
}

/**
 * A stored tensor's elements as words. Throws IPFA_DEVICE_UNSUPPORTED for external data, for what is no number of ours, and for a 64-bit integer that 32 bits
 * don't hold.
 */
export function storedWords(tensor: TensorProto): Words {
  const dtype = storedType(tensor)
  const refuse = (value: bigint) => unsupported(`${tensor.name} holds ${value}, and they compute in 32 bits`)
  return wordsFrom(dtype, storedData(tensor, dtype), refuse)
}

/** A stored float16 tensor's elements by their bits, two to a word. */
export function storedHalves(tensor: TensorProto): Words {
  const bits = storedData(tensor, "float16")
  const pairs = new Uint32Array(Math.ceil(bits.length / 2))
  new Uint16Array(pairs.buffer).set(bits)
  return pairs
}

/** `elements` as words of `dtype`. Throws IPFA_DEVICE_UNSUPPORTED for a whole number that 32 bits don't hold. */
export function wordsOf(dtype: GpuDtype, elements: readonly number[]): Words {
  const made = arrayTypes[dtype].from(elements)
  const wide = dtype === "float32" ? -1 : elements.findIndex((element, i) => element !== made[i])
  if (wide >= 0) throw unsupported(`they compute in 32 bits, which ${elements[wide]} does not fit`)
  return made
}
