import type { GpuTensor } from "./gpu-tensor.ts"
import { geglu, swiglu } from "./ops/gated/gated.ts"
import { type PackedMatmulAlgorithm, packedMatmul } from "./ops/packed-matmul/packed-matmul.ts"
import { type RopeAttributes, rope } from "./ops/rope/rope.ts"
import type { GeluAttributes } from "./ops/unary/unary.ts"
import type { PackedFormat } from "./packed/format.ts"
import { checkPacked, type PackedTensor, type PackedWeights } from "./packed/packed-tensor.ts"
import type { KernelRuntime, RunOptions } from "./runtime.ts"

type Float32 = GpuTensor<"float32">
type Result = Promise<Float32>

/** What language models need beyond the rest. As everywhere, a result is the caller's to destroy. */
export interface LanguageKernels {
  /** Uploads packed weights. Destroy its `words`. */
  packed<F extends PackedFormat>(weights: PackedWeights<F>): PackedTensor<F>
  /** a [..., k] · w [n, k], transposed, + bias [n] → [..., n] */
  packedMatmul(a: Float32, w: PackedTensor, bias?: Float32, options?: RunOptions<PackedMatmulAlgorithm>): Result
  /** SiLU(gate) · up; without `up` gate is [..., 2n], the gates and then what they let through. */
  swiglu(gate: Float32, up?: Float32, options?: RunOptions<"flat">): Result
  /** As swiglu, by GELU. */
  geglu(gate: Float32, up?: Float32, attributes?: Partial<GeluAttributes>, options?: RunOptions<"flat">): Result
  /** x [batch, heads, seq, size] turned by its tokens' positions, int32 [batch, seq] or [1], the first token's; tables from `ropeTables`. */
  rope(
    x: Float32,
    tables: { cos: Float32; sin: Float32 },
    positions: GpuTensor<"int32"> | undefined,
    attributes?: Partial<RopeAttributes>,
    options?: RunOptions<"flat">,
  ): Result
}

export function languageKernels(runtime: KernelRuntime): LanguageKernels {
  return {
    packed(weights) {
      checkPacked(weights)
      const { format, shape, words } = weights
      return { format, shape, words: runtime.upload("uint32", [words.length], words) }
    },
    packedMatmul: (a, { format, shape, words }, bias, options) =>
      runtime.run(packedMatmul, [a, words, bias] as GpuTensor[], { format, shape }, options) as Result,
    swiglu: (gate, up, options) => runtime.run(swiglu, [gate, up], {}, options) as Result,
    geglu: (gate, up, attributes, options) => runtime.run(geglu, [gate, up], attributes, options) as Result,
    rope: (x, { cos, sin }, positions, attributes, options) =>
      runtime.run(rope, [x, cos, sin, positions] as GpuTensor[], attributes, options) as Result,
  }
}
