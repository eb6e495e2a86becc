import { arrayTypes, type Dtype, dtypeBytes, type Tensor } from "../../protocol/index.ts"

/** Values at the edges of each dtype, as its tensors carry them; an even number, so that 4-bit ones fill whole bytes. */
const edges: Record<Dtype, (number | bigint | string)[]> = {
  float64: [0, -1.5, Number.MAX_VALUE, 5e-324],
  float32: [0, -1.5, 3.4028234663852886e38, Number.NaN],
  // Bits: 0, -1.5, 65504 (the largest), infinity.
  float16: [0, 0xbe00, 0x7bff, 0x7c00],
  bfloat16: [0, 0xbfc0, 0x7f7f, 0x7f80],
  int64: [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)],
  int32: [0, -1, 2 ** 31 - 1, -(2 ** 31)],
  int16: [0, -1, 32767, -32768],
  int8: [0, -1, 127, -128],
  uint64: [0n, 1n, 2n ** 63n, 2n ** 64n - 1n],
  uint32: [0, 1, 2 ** 31, 2 ** 32 - 1],
  uint16: [0, 1, 32768, 65535],
  uint8: [0, 1, 128, 255],
  bool: [0, 1, 1, 0],
  string: ["", "a", "grüße 🌍", "z"],
  // Two to a byte.
  uint4: [0x0f, 0x81],
  int4: [0x7f, 0x81],
}

/** float32 [4], or [0] where `empty`. */
export function edgeTensor(dtype: Dtype, empty = false): Tensor {
  const values = empty ? [] : edges[dtype]
  const shape = [empty ? 0 : 4]
  if (dtype === "string") return { dtype, shape, data: values as string[] }
  const array = arrayTypes[dtype] as { from(values: unknown[]): Tensor["data"] }
  const data = array.from(values)
  if ((data as Uint8Array).byteLength !== dtypeBytes(dtype, shape[0])) throw new Error(`bad edge values for ${dtype}`)
  return { dtype, shape, data }
}
