import { AccelerateError } from "../protocol/errors/error.ts"
import type { Fill, GpuDtype, Kernel, KernelCase, Shape } from "./define-kernel.ts"
import { filled, type GpuArray } from "./fill.ts"
import { scoped } from "./gpu-errors.ts"
import { elems, GpuTensor, usage } from "./gpu-tensor.ts"
import type { KernelRuntime } from "./runtime.ts"

export interface CaseResult {
  outcome: "PASS" | "FAIL" | "UNSUPPORTED" | "EXCLUDED" | "NOT_RUN"
  /** Why it is not a PASS. */
  reason?: string
  /** The largest |result − reference|. */
  maxError: number
}

/** Elements behind every tensor of a case. They hold CANARY: a kernel that reads there gives a wrong answer, one that writes there is caught. */
const SPARE = 256
const CANARY = 0x7149f2ca // 1e30 as float32

/** Runs one case and compares each element with the float64 reference. Throws nothing but mistakes in the case itself. */
export async function runCase<P, A, N extends string>(
  runtime: KernelRuntime,
  kernel: Kernel<P, A, N>,
  test: KernelCase<P, A, N>,
): Promise<CaseResult> {
  const { device } = runtime
  const dtype = test.dtype ?? "float32"
  const problem = kernel.problem(test.shapes, { ...kernel.defaults, ...test.attributes } as A)
  const data = test.shapes.map((shape, i) =>
    filled(dtype, elems(shape), fillOf(test.fill, i), `${kernel.name}/${test.name}/${i}`),
  )
  const expected = kernel.reference(data, problem)
  const bounds = test.tolerance.bounds(data, problem, expected)

  const inputs = test.shapes.map((shape, i) => withCanary(device, dtype, shape, data[i]))
  const into = withCanary(device, dtype, kernel.outputShape(problem))
  try {
    const output = await runtime.run(kernel, inputs, test.attributes, { ...test, into })
    const got = await output.read()
    const fault = compare(got, expected, bounds)
    if (fault.reason) return { outcome: "FAIL", ...fault }
    const tail = await canary(output).read()
    const touched = tail.findIndex((value) => value !== CANARY)
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
    for (const tensor of [...inputs, into]) tensor.destroy()
  }
}

function fillOf(fill: Fill | readonly Fill[], i: number): Fill {
  return "kind" in fill ? fill : fill[i]!
}

/** A tensor with `data`, or all CANARY, and SPARE canaries behind. */
function withCanary(device: GPUDevice, dtype: GpuDtype, shape: Shape, data?: GpuArray): GpuTensor {
  const n = elems(shape)
  const words = new Uint32Array(n + SPARE).fill(CANARY)
  if (data) words.set(new Uint32Array(data.buffer))
  const { value, settled } = scoped(device, "case", () => {
    const buffer = device.createBuffer({
      label: "case",
      size: words.byteLength,
      usage: usage.STORAGE | usage.COPY_SRC | usage.COPY_DST,
    })
    device.queue.writeBuffer(buffer, 0, words)
    return buffer
  })
  return new GpuTensor(device, dtype, shape, value, settled)
}

/** The canaries behind `tensor`, as a view that must not be destroyed on its own. */
function canary(tensor: GpuTensor) {
  const n = elems(tensor.shape)
  const whole = new GpuTensor(tensor.device, "uint32", [n + SPARE], tensor.buffer)
  return { read: async () => (await whole.read()).subarray(n) }
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
