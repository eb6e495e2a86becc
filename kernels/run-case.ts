import { arrayTypes, dtypeBytes, type TensorData } from "../protocol/dtype.ts"
import { AccelerateError } from "../protocol/errors/error.ts"
import { float16Value } from "../protocol/float16.ts"
import type { Fill, GpuDtype, Kernel, KernelCase, StoredDtype, TensorType } from "./define-kernel.ts"
import { STORED, wholeWords } from "./device-memory.ts"
import { filled } from "./fill.ts"
import { scoped } from "./gpu-errors.ts"
import { elems, GpuTensor } from "./gpu-tensor.ts"
import { computedType } from "./prepare.ts"
import type { KernelRuntime } from "./runtime.ts"

export interface CaseResult {
  outcome: "PASS" | "FAIL" | "UNSUPPORTED" | "EXCLUDED" | "NOT_RUN"
  /** Why it is not a PASS. */
  reason?: string
  /** The largest |result − reference|. */
  maxError: number
}

/** Elements behind every tensor of a case: a kernel that reads there computes with NaN, one that writes there is caught. */
const SPARE = 256
const UNREAD = 0x7fc07fc0 // NaN as float32 and as float16
const UNWRITTEN = 0xdeadbeef
/** What a case's result holds before it is computed: what a kernel that writes parts of it leaves elsewhere. */
export const untouched = (dtype: GpuDtype): number => new arrayTypes[dtype](Uint32Array.of(UNWRITTEN).buffer)[0]!

/** Runs one case and compares each element with the float64 reference. Throws nothing but mistakes in the case itself. */
export async function runCase<P, A, N extends string>(
  runtime: KernelRuntime,
  kernel: Kernel<P, A, N>,
  test: KernelCase<P, A, N>,
): Promise<CaseResult> {
  const { device } = runtime
  const types = typesOf(test)
  const problem = problemOf(kernel, test)
  const data = types.map(
    (type, i) =>
      type && filled(type.dtype, elems(type.shape), fillOf(test.fill, i), `${kernel.name}/${test.name}/${i}`),
  )
  const numbers = data.map((one) => (one instanceof Uint16Array ? Float64Array.from(one, float16Value) : one))
  const expected = kernel.reference(numbers, problem)
  const bounds = test.tolerance.bounds(numbers, problem, expected)

  const inputs = types.map((type, i) => type && withSpare(device, type, UNREAD, data[i]))
  const into = withSpare(device, kernel.output(problem), UNWRITTEN)
  try {
    const output = await runtime.run(kernel, inputs, test.attributes, { ...test, into })
    const got = await output.read()
    const fault = compare(got, expected, bounds)
    if (fault.reason) return { outcome: "FAIL", ...fault }
    const tail = await spareOf(output)
    const touched = tail.findIndex((word) => word !== UNWRITTEN)
    if (touched >= 0)
      return { outcome: "FAIL", reason: `wrote ${touched + 1} elements past the end`, maxError: fault.maxError }
    return { outcome: "PASS", maxError: fault.maxError }
  } catch (error) {
    if (!(error instanceof AccelerateError)) throw error
    const unsupported = error.code === "IPFA_DEVICE_UNSUPPORTED" || error.code === "IPFA_DEVICE_MEMORY"
    return {
      outcome: unsupported ? "UNSUPPORTED" : "FAIL",
      reason: `${error.code}: ${error.message}`,
      maxError: Number.NaN,
    }
  } finally {
    for (const tensor of [...inputs, into]) tensor?.destroy()
  }
}

function typesOf({ shapes, dtype = "float32" }: Pick<KernelCase<unknown, unknown>, "shapes" | "dtype">) {
  return shapes.map((shape, i): TensorType<StoredDtype> | undefined => {
    return shape && { shape, dtype: typeof dtype === "string" ? dtype : dtype[i]! }
  })
}

/** The problem that a case poses. */
export function problemOf<P, A, N extends string>(kernel: Kernel<P, A, N>, test: KernelCase<P, A, N>): P {
  return kernel.problem(
    typesOf(test).map((type) => type && computedType(type)),
    { ...kernel.defaults, ...test.attributes },
  )
}

function fillOf(fill: Fill | readonly Fill[], i: number): Fill {
  return "kind" in fill ? fill : fill[i]!
}

/** A tensor of `data`, else of `word`, with SPARE times `word` behind it. */
function withSpare(
  device: GPUDevice,
  { dtype, shape }: TensorType<StoredDtype>,
  word: number,
  data?: TensorData<StoredDtype>,
): GpuTensor {
  const words = new Uint32Array(wholeWords(dtypeBytes(dtype, elems(shape))) / 4 + SPARE).fill(word)
  if (data) new Uint8Array(words.buffer).set(new Uint8Array(data.buffer))
  const { value, settled } = scoped(device, "case", () => {
    const buffer = device.createBuffer({
      label: "case",
      size: words.byteLength,
      usage: STORED,
    })
    device.queue.writeBuffer(buffer, 0, words)
    return buffer
  })
  return new GpuTensor(device, dtype, shape, value, settled)
}

async function spareOf(tensor: GpuTensor): Promise<Uint32Array> {
  const n = elems(tensor.shape)
  return (await new GpuTensor(tensor.device, "uint32", [n + SPARE], tensor.buffer).read()).subarray(n)
}

function compare(
  got: ArrayLike<number>,
  expected: Float64Array,
  bounds: Float64Array,
): { maxError: number; reason?: string } {
  let maxError = 0
  if (got.length !== expected.length)
    return { maxError: Number.NaN, reason: `${got.length} elements in place of ${expected.length}` }
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(got[i]! - expected[i]!)
    // a NaN fails this comparison too
    if (!(error <= bounds[i]!))
      return { maxError: error, reason: `element ${i} is ${got[i]}, not ${expected[i]} ± ${bounds[i]}` }
    maxError = Math.max(maxError, error)
  }
  return { maxError }
}
