import {
  arrayTypes,
  bfloat16Bits,
  bfloat16Value,
  elements,
  fail,
  float16Bits,
  float16Value,
  type Tensor,
  type TensorData,
} from "../../../protocol/index.ts"
import type { KserveDtype } from "./datatypes.ts"
import { invalid } from "./invalid.ts"

/** Tensors as JSON numbers, booleans and strings. */

type Fault = (expected: string) => Error

const integerRange: Partial<Record<KserveDtype, [number, number]>> = {
  uint8: [0, 255],
  uint16: [0, 65_535],
  uint32: [0, 2 ** 32 - 1],
  int8: [-128, 127],
  int16: [-32_768, 32_767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
}

/** The tensor in a request's `data`: a flat list, or nested as its shape is. Throws IPFA_INPUT_INVALID that names `path`. */
export function fromJson(dtype: KserveDtype, shape: number[], data: unknown, path: string): Tensor {
  const fault: Fault = (expected) => invalid(path, expected)
  const count = elements(shape)
  if (!Array.isArray(data)) throw fault("an array")
  const flat = Array.isArray(data[0]) ? data.flat(shape.length as 1) : data
  if (flat.length !== count) throw fault(`${count} elements, as shape says, not ${flat.length}`)
  return { dtype, shape, data: fill(dtype, flat, fault) } as Tensor
}

function fill(dtype: KserveDtype, values: unknown[], fault: Fault): TensorData {
  if (dtype === "string") {
    if (!values.every((x) => typeof x === "string")) throw fault("strings")
    return values as string[]
  }
  if (dtype === "int64" || dtype === "uint64") {
    const least = dtype === "uint64" ? 0 : Number.MIN_SAFE_INTEGER
    // Beyond 2^53 JSON's numbers have been rounded already.
    for (const x of values)
      if (!Number.isSafeInteger(x) || (x as number) < least)
        throw fault("whole numbers below 2^53; larger ones go as binary data")
    const whole = (values as number[]).map(BigInt)
    return dtype === "int64" ? BigInt64Array.from(whole) : BigUint64Array.from(whole)
  }
  if (dtype === "bool") {
    for (const x of values) if (x !== true && x !== false && x !== 0 && x !== 1) throw fault("booleans")
    return Uint8Array.from(values as number[])
  }
  const range = integerRange[dtype]
  for (const x of values) {
    if (typeof x !== "number") throw fault("numbers")
    if (range && !(Number.isInteger(x) && x >= range[0] && x <= range[1]))
      throw fault(`whole numbers from ${range[0]} to ${range[1]}`)
  }
  const numbers = values as number[]
  if (dtype === "float16") return Uint16Array.from(numbers, float16Bits)
  if (dtype === "bfloat16") return Uint16Array.from(numbers, bfloat16Bits)
  return arrayTypes[dtype].from(numbers)
}

/** An output's `data`. JSON has no NaN and no infinity: an output with one can only go as binary data. */
export function toJson(tensor: Tensor, name: string): unknown[] {
  const { dtype, data } = tensor
  if (dtype === "string") return data as string[]
  // Raw digits: a JSON number may have as many as it likes, a JavaScript one not.
  if (dtype === "int64" || dtype === "uint64") return Array.from(data as BigInt64Array, (x) => rawJson(x.toString()))
  if (dtype === "bool") return Array.from(data as Uint8Array, (x) => x !== 0)
  const numbers = Array.from(
    data as Float32Array,
    dtype === "float16" ? float16Value : dtype === "bfloat16" ? bfloat16Value : Number,
  )
  if (!numbers.every(Number.isFinite))
    throw fail("IPFA_INPUT_INVALID", {
      message: `Output ${name} holds NaN or infinity, which JSON can't carry. Ask for it with binary_data.`,
      data: { path: `outputs.${name}`, expected: "parameters.binary_data: true" },
    })
  return numbers
}

const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON
