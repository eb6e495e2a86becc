import { fail } from "../protocol/errors/error.ts"
import type { Config } from "./preprocess.ts"

/** The largest float32. */
export const MOST = 3.4028234663852886e38

/** Bounds that a result is clipped to before it is stored: Relu is { low: 0 }. */
export interface Clip {
  readonly low?: number
  readonly high?: number
}

/** What is below 0 comes out times `slope`: LeakyRelu. */
export interface Leaky {
  readonly slope: number
}

/** Those of the unary functions that a result may go through before it is stored. */
export const activationFunctions = ["sigmoid", "silu", "tanh", "gelu", "gelu-tanh", "hard-swish"] as const
export type ActivationFunction = (typeof activationFunctions)[number]

/** What a result goes through before it is stored. */
export type Activation = Clip | Leaky | ActivationFunction

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

export const isLeaky = (activation: Activation | undefined): activation is Leaky =>
  typeof activation === "object" && "slope" in activation

/** `activation` as fields of `Params`: a clip's bounds, or a slope as the lower one; throws as `clipParams`, and IPFA_INPUT_INVALID for a slope that is no number. */
export function activationParams(activation: Activation | undefined): { low: number; high: number } {
  if (!isLeaky(activation)) return clipParams(typeof activation === "string" ? undefined : activation)
  const low = Math.fround(activation.slope)
  if (!Number.isFinite(low))
    throw fail("IPFA_INPUT_INVALID", {
      message: `An activation takes a finite slope, not ${activation.slope}.`,
      data: { path: "slope", expected: "a finite float32" },
    })
  return { low, high: 0 }
}

const usesErf: ReadonlySet<string> = new Set(["gelu", "erf"])
const usesSigmoid: ReadonlySet<string> = new Set(["sigmoid", "silu", "tanh", "gelu-tanh"])
/** What wgsl/activation.wgsl asks about: what the function of this name is made of. */
export const functionConfig = (name: string): Config => ({ SIGMOID: usesSigmoid.has(name), ERF: usesErf.has(name) })

/** What wgsl/activate.wgsl asks about. */
export function activationConfig(activation: Activation | undefined): Config {
  if (activation === undefined) return { ACTIVATION: false, ...functionConfig("") }
  if (typeof activation === "object")
    return { ACTIVATION: isLeaky(activation) ? "leaky" : "clip", ...functionConfig("") }
  return { ACTIVATION: activation.replaceAll("-", "_"), ...functionConfig(activation) }
}
