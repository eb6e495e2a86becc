import { fail } from "../protocol/errors/error.ts"
import type { Config } from "./preprocess.ts"

/** The largest float32. */
export const MOST = 3.4028234663852886e38

/** Bounds that a result is clipped to before it is stored: Relu is { low: 0 }. */
export interface Clip {
  readonly low?: number
  readonly high?: number
}

/** What a result goes through before it is stored. */
export type Activation = Clip | "sigmoid" | "silu"

/** `clip` as fields of `Params`; throws IPFA_INPUT_INVALID for bounds that are no numbers or change places. */
export function clipParams(clip: Clip | undefined): { low: number; high: number } {
  const low = Math.max(Math.fround(clip?.low ?? -MOST), -MOST)
  const high = Math.min(Math.fround(clip?.high ?? MOST), MOST)
  if (!(low <= high))
    throw fail("IPFA_INPUT_INVALID", { message: `Nothing lies from ${low} to ${high}.`, data: { path: "clip" } })
  return { low, high }
}

export const clipped = (value: number, { low, high }: { low: number; high: number }) =>
  Math.min(Math.max(value, low), high)

/** `activation` as fields of `Params`, of which only a clip has any; throws as `clipParams`. */
export const activationParams = (activation: Activation | undefined) =>
  clipParams(typeof activation === "string" ? undefined : activation)

/** What wgsl/activate.wgsl asks about. */
export function activationConfig(activation: Activation | undefined): Config {
  const name = typeof activation === "object" ? "clip" : (activation ?? false)
  return { ACTIVATION: name, SIGMOID: name === "sigmoid" || name === "silu" }
}
