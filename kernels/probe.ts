import { AccelerateError } from "../protocol/errors/error.ts"
import { matmul } from "./ops/matmul/matmul.ts"
import { softmax } from "./ops/softmax/softmax.ts"
import { type CaseResult, runCase } from "./run-case.ts"
import { KernelRuntime } from "./runtime.ts"

export interface ProbeResult {
  ok: boolean
  /** The largest |result − float64 reference| over all that was computed; NaN where nothing could be. */
  maxError: number
  /** Why not ok: which known case failed, and how. */
  reason?: string
}

/**
 * Whether `device` computes right: small matrix products by both algorithms and softmaxes, ragged sizes, against float64 within derived bounds. Run it before
 * a WebGPU device is offered to anyone. Takes a few pipeline compilations; a driver that hangs hangs it, so give it a deadline. Never throws.
 */
export async function probeAdapter(device: GPUDevice): Promise<ProbeResult> {
  const runtime = new KernelRuntime(device)
  let maxError = Number.NaN
  const judge = (name: string, result: CaseResult): string | undefined => {
    if (result.outcome !== "PASS") return `${name}: ${result.outcome}: ${result.reason}`
    maxError = Number.isNaN(maxError) ? result.maxError : Math.max(maxError, result.maxError)
    return undefined
  }
  const products = matmul.cases.filter((one) => /^(naive 5×3×13|tiled 19×11×21)/.test(one.name))
  const rows = softmax.cases.filter((one) => /^(one workgroup wide|would overflow)/.test(one.name))
  try {
    for (const one of products) {
      const reason = judge(`matmul, ${one.name}`, await runCase(runtime, matmul, one))
      if (reason) return { ok: false, maxError, reason }
    }
    for (const one of rows) {
      const reason = judge(`softmax, ${one.name}`, await runCase(runtime, softmax, one))
      if (reason) return { ok: false, maxError, reason }
    }
  } catch (error) {
    const reason = error instanceof AccelerateError ? `${error.code}: ${error.message}` : String(error)
    return { ok: false, maxError, reason }
  }
  return { ok: true, maxError }
}
