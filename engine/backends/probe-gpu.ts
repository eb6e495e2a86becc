// The file itself: the index would bring all kernels into the worker of ONNX Runtime, which runs none of them.
import { probeAdapter } from "../../kernels/probe.ts"
import { type ProbeOutcome, probeKnownModel } from "../probe/index.ts"

/** Plain WGSL first, then the known model through `open`: a device that gets either wrong is not right. */
export async function probeGpu(device: GPUDevice, open: Parameters<typeof probeKnownModel>[0]): Promise<ProbeOutcome> {
  const start = performance.now()
  const wgsl = await probeAdapter(device)
  const model = await probeKnownModel(open)
  // Kernels that never ran have no error to compare; that they did not run is in `ok`.
  const maxError = Number.isNaN(wgsl.maxError) ? model.maxError : Math.max(wgsl.maxError, model.maxError)
  const reason = wgsl.reason ?? model.reason
  return { ok: wgsl.ok && model.ok, maxError, ms: performance.now() - start, ...(reason && { reason }) }
}
