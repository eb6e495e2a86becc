import type { Config } from "../preprocess.ts"
import type { Layout } from "./format.ts"

/** `layout` as wgsl/packed.wgsl takes it. */
export function layoutConfig({ block, bytes, planes: [low, high], signed = false, zero, scales }: Layout): Config {
  return {
    BLOCK: block,
    BYTES: bytes,
    WHOLE_WORDS: bytes % 4 === 0,
    LOW_AT: low.at,
    LOW_BITS: low.bits,
    LOW_RUN: low.run,
    HIGH_AT: high?.at ?? 0,
    HIGH_BITS: high?.bits ?? 0,
    HIGH_RUN: high?.run ?? 1,
    SIGNED: signed,
    ZERO: zero,
    SCALES: scales.kind,
    SCALES_AT: "at" in scales ? scales.at : 0,
    CODES_AT: "codes" in scales ? scales.codes : 0,
  }
}
