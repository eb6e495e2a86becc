import {
  arrayTypes,
  type Dtype,
  dtypeBytes,
  elements,
  fail,
  type Tensor,
  type TensorData,
} from "../../protocol/index.ts"

/** NumPy's file format, versions 1 to 3: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]

/** NumPy's type strings; bfloat16 and strings have none that all readers share. */
const descriptions = {
  float32: "<f4",
  float64: "<f8",
  float16: "<f2",
  int64: "<i8",
  int32: "<i4",
  int16: "<i2",
  int8: "|i1",
  uint64: "<u8",
  uint32: "<u4",
  uint16: "<u2",
  uint8: "|u1",
  bool: "|b1",
} as const satisfies Partial<Record<Dtype, string>>

const dtypes = new Map<string, keyof typeof descriptions>(
  Object.entries(descriptions).map(([dtype, text]) => [text, dtype as keyof typeof descriptions]),
)

export function readNpy(bytes: Uint8Array, path: string): Tensor {
  const refuse = (expected: string) =>
    fail("IPFA_INPUT_INVALID", { message: `${path}: expected ${expected}`, data: { path, expected } })
  if (MAGIC.some((x, i) => bytes[i] !== x)) throw refuse("a NumPy .npy file")
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const wide = (bytes[6] ?? 0) >= 2
  const start = wide ? 12 : 10
  if (bytes.byteLength < start) throw refuse("a whole .npy file")
  const end = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true))
  const header = new TextDecoder().decode(bytes.subarray(start, end))
  const descr = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? ""
  const dtype = dtypes.get(descr.replace(/^[<=]([iu]1|b1)$/, "|$1"))
  if (!dtype) throw refuse(`one of the types ${Object.values(descriptions).join(" ")}, not ${descr}`)
  if (!/'fortran_order':\s*False/.test(header)) throw refuse("C order (numpy.ascontiguousarray)")
  const dims = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? ""
  const shape = dims.split(",").flatMap((d) => (d.trim() === "" ? [] : Number(d)))
  const count = elements(shape)
  if (Number.isNaN(count) || bytes.byteLength - end !== dtypeBytes(dtype, count))
    throw refuse("as many bytes as its shape says")
  const data = new arrayTypes[dtype](new Uint8Array(bytes.subarray(end)).buffer)
  return { dtype, shape, data: data as TensorData } as Tensor
}

export function writeNpy({ dtype, shape, data }: Tensor): Uint8Array {
  const descr = (descriptions as Partial<Record<Dtype, string>>)[dtype]
  if (!descr || !ArrayBuffer.isView(data))
    throw fail("IPFA_INPUT_INVALID", { message: `A ${dtype} tensor can't be written as .npy; use --json.` })
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ")
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dims}), }`
  // The data begins at a multiple of 64, as NumPy writes it.
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11, " ")
  const head = Buffer.alloc(10 + header.length + 1)
  head.set([...MAGIC, 1, 0])
  head.writeUInt16LE(header.length + 1, 8)
  head.write(`${header}\n`, 10, "latin1")
  return Buffer.concat([head, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)])
}
