/** The language-model set: what it exports, and its kernels. */
import type { AnyKernel } from "./define-kernel.ts"
import { attention, holdsHeads, prefersProducts } from "./ops/attention/attention.ts"
import { attentionMerge } from "./ops/attention-merge/attention-merge.ts"
import { embedding } from "./ops/embedding/embedding.ts"
import { geglu, swiglu } from "./ops/gated/gated.ts"
import { kvAppend } from "./ops/kv-append/kv-append.ts"
import { fastActivations, packedMatmul } from "./ops/packed-matmul/packed-matmul.ts"
import { philox } from "./ops/philox/philox.ts"
import { rope } from "./ops/rope/rope.ts"
import { sample } from "./ops/sample/sample.ts"

export type { LanguageKernels } from "./language-kernels.ts"
export type { AttentionAttributes } from "./ops/attention/attention.ts"
export type { EmbeddingAttributes } from "./ops/embedding/embedding.ts"
export type { KvAppendAttributes } from "./ops/kv-append/kv-append.ts"
export type { Activations, PackedMatmulAlgorithm, PackedMatmulAttributes } from "./ops/packed-matmul/packed-matmul.ts"
export type { RopeAttributes } from "./ops/rope/rope.ts"
export type { SampleAttributes } from "./ops/sample/sample.ts"
export { assignFormats, type Candidate } from "./packed/assign.ts"
export { type Group, readBlock, type Step as PackedStep, writeGroup } from "./packed/block.ts"
export { Calibration } from "./packed/calibration.ts"
export {
  type Bits,
  bitWidths,
  type GgufFormat,
  type GroupFormat,
  type GroupSize,
  ggufFormats,
  groupSizes,
  groupsOf,
  type Layout,
  layoutOf,
  middleOf,
  type PackedFormat,
  packedWords,
} from "./packed/format.ts"
export type { GgufValue } from "./packed/gguf-cursor.ts"
export { type GgufDtype, type GgufFile, type GgufTensor, ggufPacked, readGguf } from "./packed/gguf-file.ts"
export { checkPacked, ggufWeights, type PackedTensor, type PackedWeights, unpack } from "./packed/packed-tensor.ts"
export { type QuantizeOptions, quantize } from "./packed/quantize.ts"
export { type Four, philox4x32 } from "./philox.ts"
export { type RopeOptions, type RopeScaling, ropeFrequencies, ropeTables } from "./rope-tables.ts"
export {
  attention,
  attentionMerge,
  embedding,
  fastActivations,
  geglu,
  holdsHeads,
  kvAppend,
  packedMatmul,
  philox,
  prefersProducts,
  rope,
  sample,
  swiglu,
}

/** Part of the registry. */
export const languageRegistry: readonly AnyKernel[] = [
  packedMatmul,
  embedding,
  rope,
  swiglu,
  geglu,
  kvAppend,
  attention,
  attentionMerge,
  philox,
  sample,
]
