import type { Shape } from "./define-kernel.ts"
import type { GpuTensor } from "./gpu-tensor.ts"
import type { KernelRuntime } from "./runtime.ts"
import { isInOrder } from "./view.ts"

/** Has `tensor` destroyed when the work is done, and gives it back. */
export type Keep = <T extends { destroy(): void }>(tensor: T) => T

/** What `work` gives, which takes several kernels: what it makes on its way it hands to `keep`, to be destroyed whether the work succeeds or fails. */
export async function keeping<T>(work: (keep: Keep) => Promise<T>): Promise<T> {
  const made: { destroy(): void }[] = []
  try {
    return await work((tensor) => {
      made.push(tensor)
      return tensor
    })
  } finally {
    for (const tensor of made) tensor.destroy()
  }
}

/** x in another shape, of as many elements: a view where x lies in order, else a copy. Throws IPFA_INPUT_SHAPE, else as `runtime.run`. */
export function inShape(runtime: KernelRuntime, x: GpuTensor, shape: Shape): Promise<GpuTensor> {
  return keeping(async (keep) => (isInOrder(x) ? x : keep(await runtime.copied(x))).share(shape))
}
