import { fail } from "../protocol/errors/error.ts"
import type { Shape } from "./define-kernel.ts"
import { GpuTensor } from "./gpu-tensor.ts"

/** What kernels that make float16 write: the words [..., n] of a float16 tensor [..., 2n], in its memory. Throws IPFA_INPUT_INVALID for a view, and after destroy(). */
export function wordsOfHalves(halves: GpuTensor): GpuTensor<"uint32"> {
  if (!halves.isWhole)
    throw fail("IPFA_INPUT_INVALID", { message: "A view can't be written into.", data: { path: "into" } })
  // whose hold on the memory goes to the words
  const { device, shape, memory, settled } = halves.share()
  return new GpuTensor(device, "uint32", [...shape.slice(0, -1), shape.at(-1)! / 2], memory, settled)
}

/** The float16 of `shape` that `words` are, whose memory it takes over. */
export function halvesOfWords({ device, memory, settled }: GpuTensor, shape: Shape): GpuTensor<"float16"> {
  return new GpuTensor(device, "float16", shape, memory, settled)
}
