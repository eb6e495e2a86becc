/** float16 by its bits, as tensors carry it. */
export function toHalf(values: Float32Array): Uint16Array<ArrayBuffer> {
  return new Uint16Array(new Float16Array(values).buffer)
}

export function fromHalf(bits: Uint16Array): Float32Array {
  return Float32Array.from(new Float16Array(bits.slice().buffer))
}
