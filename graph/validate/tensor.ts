import { type ElementType, elementType, storedBytes } from "../element-type.ts"
import { type TensorProto, TensorProto_DataLocation } from "../generated/onnx_pb.js"
import type { ModelLimits } from "../limits.ts"
import { invalid, tooLarge } from "../refuse.ts"
import { checkExternal, type ExternalData } from "./external.ts"

const DATA_FIELDS = ["floatData", "int32Data", "stringData", "int64Data", "doubleData", "uint64Data"] as const

export interface StoredTensor {
  type: ElementType
  elems: number
  bytes: number
  /** The file its bytes are in, where that is not the model's own. */
  file?: string
}

/** The number of elements of `dims`, refused where one is negative or their product (zeros aside) passes 2^53. */
export function countElements(dims: readonly bigint[], path: string, limits: ModelLimits): number {
  if (dims.length > limits.rank) throw tooLarge(`${path}.dims`, "dimensions", limits.rank)
  let nonZero = 1
  let empty = false
  for (const [i, dim] of dims.entries()) {
    if (dim < 0n) throw invalid(`${path}.dims[${i}]`, "a dimension ≥ 0")
    if (dim === 0n) {
      empty = true
      continue
    }
    nonZero *= Number(dim)
    if (nonZero > Number.MAX_SAFE_INTEGER) throw invalid(`${path}.dims`, "a product of dimensions below 2^53")
  }
  return empty ? 0 : nonZero
}

/** Checks that a tensor holds exactly the elements that its dtype and dims say, in one place, and that this place is allowed. */
export function checkTensor(t: TensorProto, path: string, external: ExternalData, limits: ModelLimits): StoredTensor {
  const type = elementType(t.dataType)
  if (!type) throw invalid(`${path}.data_type`, "an element type of ONNX")
  if (t.segment) throw invalid(`${path}.segment`, "a tensor in one piece")
  const elems = countElements(t.dims, path, limits)
  const bytes = type.bits === 0 ? stringBytes(t) : storedBytes(type, elems)
  const typed = DATA_FIELDS.filter((field) => t[field].length > 0)

  if (t.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    if (type.bits === 0) throw invalid(path, "strings within the model's file")
    if (t.rawData.length > 0 || typed.length > 0) throw invalid(path, "data in another file, or here, not both")
    return { type, elems, bytes, file: checkExternal(t, bytes, external, path) }
  }
  if (t.externalData.length > 0) throw invalid(`${path}.external_data`, "none, as data_location is not EXTERNAL")
  if (typed.length > 1 || (typed.length === 1 && t.rawData.length > 0)) throw invalid(path, "data in one field")
  if (typed.length === 0 && type.bits !== 0) {
    if (t.rawData.length !== bytes) throw invalid(`${path}.raw_data`, `${bytes} bytes of ${type.name}`)
  } else checkTyped(t, type, elems, path)
  return { type, elems, bytes }
}

function checkTyped(t: TensorProto, type: ElementType, elems: number, path: string): void {
  const entries = Math.ceil(elems * type.entries)
  if (t.rawData.length > 0 || t[type.field].length !== entries)
    throw invalid(path, `${entries} entries of ${type.name} in ${type.field}`)
}

function stringBytes(t: TensorProto): number {
  return t.stringData.reduce((sum, s) => sum + s.length, 0)
}
