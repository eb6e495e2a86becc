/** The two 16-bit floats as numbers and back: Float16Array came with Node 24, and no platform has one for bfloat16. */
const conversion = new DataView(new ArrayBuffer(4))

/** The bits of the float16 nearest to `value`, ties to even (IEEE 754). */
export function float16Bits(value: number): number {
  conversion.setFloat32(0, value)
  const bits = conversion.getUint32(0)
  const sign = (bits >>> 16) & 0x8000
  if (Number.isNaN(value)) return sign | 0x7e00
  const magnitude = Math.abs(value)
  // Half a unit above the largest finite, 65504, rounds to infinity.
  if (magnitude >= 65520) return sign | 0x7c00
  // The unit in the last place: 2^-24 below the normals, else 2^(exponent - 10).
  const exponent = magnitude < 2 ** -14 ? -14 : Math.floor(Math.log2(magnitude))
  const unit = 2 ** (exponent - 10)
  const exact = magnitude / unit
  const low = Math.floor(exact)
  const rest = exact - low
  const rounded = rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low
  // A carry out of the fraction is a carry into the exponent, as the format has it.
  return sign | (magnitude < 2 ** -14 ? rounded : ((exponent + 14) << 10) + rounded)
}

/** The number that a float16's bits stand for: a sign, 5 bits of exponent with bias 15, 10 of fraction. */
export function float16Value(bits: number): number {
  const exponent = (bits >>> 10) & 0x1f
  const fraction = bits & 0x3ff
  const sign = bits & 0x8000 ? -1 : 1
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
}

/** The bits of the bfloat16 (a float32's upper half) nearest to `value`, ties to even. */
export function bfloat16Bits(value: number): number {
  conversion.setFloat32(0, value)
  const bits = conversion.getUint32(0)
  if (Number.isNaN(value)) return (bits >>> 16) | 0x40
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff
}

export function bfloat16Value(bits: number): number {
  conversion.setUint32(0, bits << 16)
  return conversion.getFloat32(0)
}
