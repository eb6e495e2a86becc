import { AccelerateError, fail } from "../protocol/errors/error.ts"

const lost = new WeakMap<GPUDevice, { info?: GPUDeviceLostInfo }>()

/** Notes the loss of `device`, from the first call on: a lost device accepts calls and computes nothing. */
export function watchLoss(device: GPUDevice): void {
  if (lost.has(device)) return
  const state: { info?: GPUDeviceLostInfo } = {}
  lost.set(device, state)
  void device.lost.then((info) => {
    state.info = info
  })
}

/** Throws IPFA_DEVICE_LOST where `device` is known to be lost. */
export function assertNotLost(device: GPUDevice, cause?: unknown): void {
  const info = lost.get(device)?.info
  if (info) throw fail("IPFA_DEVICE_LOST", { data: { reason: info.reason || "unknown", message: info.message }, cause })
}

const filters = {
  "out-of-memory": "IPFA_DEVICE_MEMORY",
  internal: "IPFA_INTERNAL",
  validation: "IPFA_INTERNAL",
} as const

/**
 * Runs `create` between error scopes. WebGPU reports errors later, so what went wrong is in `settled`, which rejects with IPFA_DEVICE_MEMORY,
 * IPFA_DEVICE_LOST or, for a mistake of ours, IPFA_INTERNAL. `create` is synchronous: scopes are a stack and must not interleave.
 */
export function scoped<T>(device: GPUDevice, what: string, create: () => T): { value: T; settled: Promise<void> } {
  const kinds = Object.keys(filters) as (keyof typeof filters)[]
  for (const kind of kinds) device.pushErrorScope(kind)
  let pops: Promise<GPUError | null>[] = []
  try {
    const value = create()
    pops = popAll(device, kinds.length)
    const settled = check(device, what, kinds, pops)
    // the rejection is met again by whoever awaits it; this keeps one that nobody awaits from ending the process
    settled.catch(() => {})
    return { value, settled }
  } catch (error) {
    if (pops.length === 0) for (const pop of popAll(device, kinds.length)) pop.catch(() => {})
    throw error
  }
}

/** `then`, unless `first` fails: what came first is what went wrong. */
export async function inOrder(first: Promise<void>, then: Promise<void>): Promise<void> {
  then.catch(() => {})
  await first
  await then
}

function popAll(device: GPUDevice, n: number): Promise<GPUError | null>[] {
  return Array.from({ length: n }, () => device.popErrorScope())
}

async function check(
  device: GPUDevice,
  what: string,
  kinds: (keyof typeof filters)[],
  pops: Promise<GPUError | null>[],
): Promise<void> {
  let errors: (GPUError | null)[]
  try {
    errors = await Promise.all(pops)
  } catch (error) {
    throw gpuFailure(device, what, error)
  }
  for (const [i, error] of errors.reverse().entries())
    if (error) throw fail(filters[kinds[i]!], { message: `${what}: ${error.message}`, cause: error })
}

/** What a rejected promise of `device` means: its loss, or else a mistake of ours. */
export function gpuFailure(device: GPUDevice, what: string, error: unknown): AccelerateError {
  if (error instanceof AccelerateError) return error
  try {
    assertNotLost(device, error)
  } catch (loss) {
    return loss as AccelerateError
  }
  const reason = error instanceof Error ? error.message : String(error)
  return fail("IPFA_INTERNAL", { message: `${what}: ${reason}`, cause: error })
}
