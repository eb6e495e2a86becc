import { type Dtype, fail } from "../../../protocol/index.ts"
import { invalid } from "./invalid.ts"

/** KServe v2's names of our dtypes. 4-bit types have none on the other side. */
const names = {
  bool: "BOOL",
  uint8: "UINT8",
  uint16: "UINT16",
  uint32: "UINT32",
  uint64: "UINT64",
  int8: "INT8",
  int16: "INT16",
  int32: "INT32",
  int64: "INT64",
  float16: "FP16",
  bfloat16: "BF16",
  float32: "FP32",
  float64: "FP64",
  string: "BYTES",
} as const satisfies Partial<Record<Dtype, string>>

export type KserveDtype = keyof typeof names
export type Datatype = (typeof names)[KserveDtype]

export const datatypes: readonly string[] = Object.values(names)

const dtypes = new Map<string, KserveDtype>(Object.entries(names).map(([dtype, name]) => [name, dtype as KserveDtype]))

/** Throws IPFA_INPUT_INVALID for a name KServe does not have. */
export function toDtype(datatype: unknown, path: string): KserveDtype {
  const dtype = typeof datatype === "string" ? dtypes.get(datatype) : undefined
  if (!dtype) throw invalid(path, `one of ${datatypes.join(", ")}`)
  return dtype
}

export function toDatatype(dtype: Dtype): Datatype {
  const name = (names as Partial<Record<Dtype, Datatype>>)[dtype]
  if (!name)
    throw fail("IPFA_DEVICE_UNSUPPORTED", {
      message: `KServe has no datatype for ${dtype}; use the WebSocket interface.`,
      data: { dtype },
    })
  return name
}
