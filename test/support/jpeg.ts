/** Baseline JPEG (ITU-T T.81), as the shared photos are: 8 bits, Huffman codes, one scan of Y, Cb and Cr. */

/** A part of the image as it is stored: brightness, or one of the two colours, which may be coarser. */
interface Plane {
  id: number
  across: number
  down: number
  quantization: number
  dc: number
  ac: number
  before: number
  width: number
  data: Uint8ClampedArray
}

/** Where in a block of 8 × 8 the coefficients belong, in the order that they come in. */
const zigzag = Array.from({ length: 64 }, (_, i) => [i % 8, i >> 3] as const)
  .sort(([x, y], [u, v]) => x + y - u - v || ((x + y) % 2 ? y - v : x - u))
  .map(([x, y]) => y * 8 + x)

const cosines = Float64Array.from({ length: 64 }, (_, i) => {
  const [at, frequency] = [i >> 3, i % 8]
  return (frequency ? 0.5 : Math.SQRT1_2 / 2) * Math.cos(((2 * at + 1) * frequency * Math.PI) / 16)
})

export function jpeg(bytes: Buffer): { width: number; height: number; channels: 3; data: Uint8Array } {
  const quantizations: Uint16Array[] = []
  const codes = new Map<number, Map<number, number>>()
  let planes: Plane[] = []
  let [width, height, restart] = [0, 0, 0]
  for (let at = 2; ; ) {
    const marker = bytes[at + 1]!
    const part = bytes.subarray(at + 4, at + 2 + bytes.readUInt16BE(at + 2))
    at += 4 + part.length
    if (marker === 0xdb)
      for (let i = 0; i < part.length; i += 65)
        quantizations[part[i]!] = Uint16Array.from({ length: 64 }, (_, j) => part[i + 1 + j]!)
    else if (marker === 0xc4) for (let i = 0; i < part.length; ) i = huffman(part, i, codes)
    else if (marker === 0xdd) restart = part.readUInt16BE(0)
    else if (marker === 0xc0) {
      height = part.readUInt16BE(1)
      width = part.readUInt16BE(3)
      planes = Array.from({ length: part[5]! }, (_, i) => {
        const [id, factors, quantization] = part.subarray(6 + 3 * i) as unknown as [number, number, number]
        const data = new Uint8ClampedArray()
        return { id, across: factors >> 4, down: factors & 15, quantization, dc: 0, ac: 0, before: 0, width: 0, data }
      })
    } else if (marker === 0xda) {
      for (let i = 0; i < part[0]!; i++) {
        const plane = planes.find(({ id }) => id === part[1 + 2 * i])!
        plane.dc = part[2 + 2 * i]! >> 4
        plane.ac = 16 | (part[2 + 2 * i]! & 15)
      }
      scan(bytes.subarray(at), { width, height, restart, planes, quantizations, codes })
      return { width, height, channels: 3, data: colours(width, height, planes) }
    } else if (marker < 0xe0 || marker > 0xfe) throw new Error(`a kind of JPEG this reader does not know (${marker})`)
  }
}

/** A table of codes from `part` at `i` into `tables`: a code with a 1 before it → the value. What lies behind it is returned. */
function huffman(part: Buffer, i: number, tables: Map<number, Map<number, number>>): number {
  const table = new Map<number, number>()
  let at = i + 17
  for (let length = 1, code = 2; length <= 16; length++, code *= 2)
    for (let n = part[i + length]!; n > 0; n--) table.set(code++, part[at++]!)
  tables.set(part[i]!, table)
  return at
}

interface Scan {
  width: number
  height: number
  restart: number
  planes: Plane[]
  quantizations: Uint16Array[]
  codes: Map<number, Map<number, number>>
}

function scan(bytes: Buffer, { width, height, restart, planes, quantizations, codes }: Scan): void {
  let [at, held, left] = [0, 0, 0]
  const bit = () => {
    if (left === 0) {
      held = bytes[at]!
      // A byte of ones has a 0 behind it, or else is a marker.
      at += held === 0xff ? 2 : 1
      left = 8
    }
    return (held >> --left) & 1
  }
  const value = (table: number) => {
    const tree = codes.get(table)!
    let code = 1
    do code = 2 * code + bit()
    while (!tree.has(code) && code < 2 ** 17)
    return tree.get(code)!
  }
  const number = (bits: number) => {
    let n = 0
    for (let i = 0; i < bits; i++) n = 2 * n + bit()
    return bits > 0 && n < 2 ** (bits - 1) ? n - 2 ** bits + 1 : n
  }
  const across = Math.max(...planes.map((plane) => plane.across))
  const down = Math.max(...planes.map((plane) => plane.down))
  const units = [Math.ceil(width / (8 * across)), Math.ceil(height / (8 * down))] as const
  for (const plane of planes) {
    plane.width = units[0] * plane.across * 8
    plane.data = new Uint8ClampedArray(plane.width * units[1] * plane.down * 8)
  }
  for (let unit = 0; unit < units[0] * units[1]; unit++) {
    if (restart > 0 && unit > 0 && unit % restart === 0) {
      while (bytes[at] !== 0xff || (bytes[at + 1]! & 0xf8) !== 0xd0) at++
      at += 2
      left = 0
      for (const plane of planes) plane.before = 0
    }
    for (const plane of planes)
      for (let i = 0; i < plane.across * plane.down; i++) {
        const block = new Float64Array(64)
        const steps = quantizations[plane.quantization]!
        plane.before += number(value(plane.dc))
        block[0] = plane.before * steps[0]!
        for (let j = 1; j < 64; j++) {
          const symbol = value(plane.ac)
          if (symbol === 0) break
          j += symbol >> 4
          if (symbol !== 0xf0) block[zigzag[j]!] = number(symbol & 15) * steps[j]!
        }
        const x = ((unit % units[0]) * plane.across + (i % plane.across)) * 8
        const y = (Math.floor(unit / units[0]) * plane.down + Math.floor(i / plane.across)) * 8
        place(plane, y * plane.width + x, block)
      }
  }
}

/** The inverse cosine transform of `block`, rows, then columns, into `plane` at `first`. */
function place({ width, data }: Plane, first: number, block: Float64Array): void {
  const rows = new Float64Array(64)
  for (let v = 0; v < 8; v++)
    for (let x = 0; x < 8; x++) for (let u = 0; u < 8; u++) rows[v * 8 + x]! += block[v * 8 + u]! * cosines[x * 8 + u]!
  for (let y = 0; y < 8; y++)
    for (let x = 0; x < 8; x++) {
      let sum = 128
      for (let v = 0; v < 8; v++) sum += rows[v * 8 + x]! * cosines[y * 8 + v]!
      data[first + y * width + x] = sum
    }
}

/** RGB (JFIF), a coarse colour for all the pixels it lies under. */
function colours(width: number, height: number, planes: Plane[]): Uint8Array {
  const out = new Uint8ClampedArray(3 * width * height)
  const across = Math.max(...planes.map((plane) => plane.across))
  const down = Math.max(...planes.map((plane) => plane.down))
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [bright, blue, red] = planes.map((plane) => {
        const row = Math.floor((y * plane.down) / down) * plane.width
        return plane.data[row + Math.floor((x * plane.across) / across)]!
      }) as [number, number, number]
      const rgb = [1.402 * (red - 128), -0.344136 * (blue - 128) - 0.714136 * (red - 128), 1.772 * (blue - 128)]
      for (let c = 0; c < 3; c++) out[(y * width + x) * 3 + c] = bright + rgb[c]!
    }
  return new Uint8Array(out.buffer)
}
