import { wordsOfHalves } from "./float16-words.ts"
import type { GpuTensor } from "./gpu-tensor.ts"
import { type AttentionAttributes, attention } from "./ops/attention/attention.ts"
import { attentionMerge } from "./ops/attention-merge/attention-merge.ts"
import { embedding } from "./ops/embedding/embedding.ts"
import { geglu, swiglu } from "./ops/gated/gated.ts"
import { kvAppend } from "./ops/kv-append/kv-append.ts"
import {
  type PackedMatmulAlgorithm,
  type PackedMatmulAttributes,
  packedMatmul,
} from "./ops/packed-matmul/packed-matmul.ts"
import { philox } from "./ops/philox/philox.ts"
import { type RopeAttributes, rope } from "./ops/rope/rope.ts"
import { type SampleAttributes, sample } from "./ops/sample/sample.ts"
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
  /** a [..., k] · w [n, k], transposed, + bias [n] → [..., n]; with a scale, a residual like the result, an activation. */
  packedMatmul(
    a: Float32,
    w: PackedTensor,
    bias?: Float32,
    residual?: Float32,
    attributes?: Partial<Omit<PackedMatmulAttributes, "format" | "shape">>,
    options?: RunOptions<PackedMatmulAlgorithm>,
  ): Result
  /** Rows of w [rows, cols] by number: indices [...] → [..., cols] */
  embedding(indices: GpuTensor<"int32">, w: PackedTensor, options?: RunOptions<"flat">): Result
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
  /** Writes x [batch, heads, seq, size] behind what the pages [pages, heads, tokens, size] hold of each sequence, and gives `cache` back. In float16, of even size, it takes half the memory. */
  kvAppend<D extends "float32" | "float16">(
    x: Float32,
    sequences: GpuTensor<"int32">,
    cache: GpuTensor<D>,
  ): Promise<GpuTensor<D>>
  /** softmax(q·kᵀ)·v, with `splits` in so many workgroups for each row, merged; see ops/attention for shapes. */
  attention(inputs: AttentionInputs, attributes?: Partial<AttentionAttributes>): Result
  /** What `attention` runs after itself with `splits`. */
  attentionMerge(x: Float32): Result
  /** Random words: for each of counter [...], followed by rest [3], those of `philox4x32` under key [2]. */
  philox(
    counter: GpuTensor<"uint32">,
    rest: GpuTensor<"uint32">,
    key: GpuTensor<"uint32">,
  ): Promise<GpuTensor<"uint32">>
  /**
   * A token for each row of logits [..., vocabulary]; `draw` [4] has the seed's low and high word and the step's, `seen` [..., ⌈vocabulary / 32⌉] a bit
   * for each token that the repetition penalty is for. Decoding reads back nothing else.
   */
  sample(
    logits: Float32,
    draw: GpuTensor<"uint32">,
    seen?: GpuTensor<"uint32">,
    attributes?: Partial<SampleAttributes>,
    options?: RunOptions<"row">,
  ): Promise<GpuTensor<"int32">>
}

export interface AttentionInputs extends Record<"k" | "v", GpuTensor<"float32" | "float16">> {
  q: Float32
  mask?: Float32
  sequences?: GpuTensor<"int32">
  sinks?: Float32
  slopes?: Float32
}

export function languageKernels(runtime: KernelRuntime): LanguageKernels {
  const merge = (x: Float32) => runtime.run(attentionMerge, [x as GpuTensor]) as Result
  return {
    packed(weights) {
      checkPacked(weights)
      const { format, shape, words } = weights
      return { format, shape, words: runtime.upload("uint32", [words.length], words) }
    },
    packedMatmul: (a, { format, shape, words }, bias, residual, attributes, options) => {
      const inputs = [a, words, bias, residual] as GpuTensor[]
      return runtime.run(packedMatmul, inputs, { ...attributes, format, shape }, options) as Result
    },
    embedding: (indices, { format, shape, words }, options) =>
      runtime.run(embedding, [indices, words] as GpuTensor[], { format, shape }, options) as Result,
    swiglu: (gate, up, options) => runtime.run(swiglu, [gate, up], {}, options) as Result,
    geglu: (gate, up, attributes, options) => runtime.run(geglu, [gate, up], attributes, options) as Result,
    rope: (x, { cos, sin }, positions, attributes, options) =>
      runtime.run(rope, [x, cos, sin, positions] as GpuTensor[], attributes, options) as Result,
    async kvAppend(x, sequences, cache) {
      const { dtype, shape } = cache
      const into = dtype === "float16" ? wordsOfHalves(cache) : cache
      try {
        const inputs = [x, sequences] as GpuTensor[]
        const { settled } = await runtime.run(kvAppend, inputs, { cache: shape, dtype }, { into })
        return cache.refilled(settled)
      } finally {
        if (into !== cache) into.destroy()
      }
    },
    async attention({ q, k, v, mask, sequences, sinks, slopes }, attributes = {}) {
      const inputs = [q, k, v, mask, sequences, sinks, slopes] as GpuTensor[]
      const result = (await runtime.run(attention, inputs, attributes)) as Float32
      if ((attributes.splits ?? 1) === 1) return result
      try {
        return await merge(result)
      } finally {
        result.destroy()
      }
    },
    attentionMerge: merge,
    philox: (counter, rest, key) =>
      runtime.run(philox, [counter, rest, key] as GpuTensor[]) as unknown as Promise<GpuTensor<"uint32">>,
    sample: (logits, draw, seen, attributes, options) =>
      runtime.run(sample, [logits, draw, seen] as GpuTensor[], attributes, options) as unknown as Promise<
        GpuTensor<"int32">
      >,
  }
}
