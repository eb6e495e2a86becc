import type { TensorInfo } from "../../protocol/tensor.ts"
import { elementType } from "../element-type.ts"
import type { TensorShapeProto, TypeProto, ValueInfoProto } from "../generated/onnx_pb.js"
import type { ModelLimits } from "../limits.ts"
import { invalid, tooLarge } from "../refuse.ts"

/** A declared shape: numbers, symbols, and null for what is unknown. −1 is how some exporters write unknown. */
export function declaredShape(shape: TensorShapeProto, path: string, limits: ModelLimits): (number | string | null)[] {
  if (shape.dim.length > limits.rank) throw tooLarge(`${path}.shape`, "dimensions", limits.rank)
  return shape.dim.map(({ value }, i) => {
    if (value.case === "dimParam") return value.value === "" ? null : value.value
    if (value.case !== "dimValue" || value.value === -1n) return null
    if (value.value < 0n || value.value > Number.MAX_SAFE_INTEGER)
      throw invalid(`${path}.shape.dim[${i}]`, "a dimension from 0 to 2^53")
    return Number(value.value)
  })
}

/** Checks a type and all types within it; what it is of is the caller's matter. */
export function checkType(type: TypeProto, path: string, limits: ModelLimits): void {
  const { value } = type
  if (value.case === "tensorType" || value.case === "sparseTensorType") {
    if (!elementType(value.value.elemType)) throw invalid(`${path}.elem_type`, "an element type of ONNX")
    if (value.value.shape) declaredShape(value.value.shape, path, limits)
  } else if (value.case === "sequenceType" || value.case === "optionalType") {
    if (value.value.elemType) checkType(value.value.elemType, `${path}.elem_type`, limits)
  } else if (value.case === "mapType" && value.value.valueType) {
    checkType(value.value.valueType, `${path}.value_type`, limits)
  }
}

/** What a model declares of an input or output; `rankUnknown` where it gives no shape at all, and `shape` is then empty. */
export interface DeclaredTensor extends TensorInfo {
  rankUnknown?: true
}

/** An input or output of the model as callers see it: a tensor of one of our dtypes. */
export function tensorInfo(info: ValueInfoProto, path: string, limits: ModelLimits): DeclaredTensor {
  const value = info.type?.value
  if (value?.case !== "tensorType") throw invalid(`${path}.type`, `a tensor, not ${value?.case ?? "nothing"}`)
  const type = elementType(value.value.elemType)
  if (!type?.dtype)
    throw invalid(`${path}.type`, `a tensor that callers can pass, not one of ${type?.name ?? "no type"}`)
  const base = { name: info.name, dtype: type.dtype }
  if (!value.value.shape) return { ...base, shape: [], rankUnknown: true }
  return { ...base, shape: declaredShape(value.value.shape, path, limits) }
}
