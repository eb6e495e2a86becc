import type { Dtype } from "../protocol/dtype.ts"
import type { Config } from "./preprocess.ts"
import type { Interface } from "./reflect.ts"
import type { Winners } from "./tuning/winners.ts"
import type { View } from "./view.ts"

export type Shape = readonly number[]
/** What kernels compute: the dtypes of four bytes that WGSL has without an extension. */
export type GpuDtype = Extract<Dtype, "float32" | "int32" | "uint32">
/** What a GpuTensor may hold. float16 lies in memory as such and is read as float32, by any kernel that takes that. */
export type StoredDtype = GpuDtype | "float16"
export interface TensorType<D extends StoredDtype = GpuDtype> {
  readonly dtype: D
  readonly shape: Shape
  /** In elements, from the first one on; row-major unless given. */
  readonly strides?: readonly number[] | undefined
}
export interface Input {
  readonly name: string
  readonly dtypes: readonly GpuDtype[]
  /** Whether the kernel reads it by such strides, none of them below 0. Else, and without this, a copy puts its elements in order first. */
  readonly strided?: (view: View) => boolean
  /** May be left out: what is bound in its place is not read. */
  readonly optional?: boolean
}
/** Values of override constants, by name. */
export type Tuning = Readonly<Record<string, number>>
export interface Plan<N extends string = string> {
  readonly algorithm: N
  readonly tuning: Tuning
}

/** What a plan may depend on: limits of a device, the quirks that its adapter and browser have, what it has beyond the core, and what was measured on it. */
export interface Limits extends DeviceLimits {
  readonly quirks?: readonly Quirk[]
  /** What WGSL has beyond the core on this device: its `features`, and the platform's `wgslLanguageFeatures`. */
  readonly features?: Pick<ReadonlySet<string>, "has"> | undefined
  /** The most invocations that a subgroup may have, where the adapter says it. */
  readonly subgroupMaxSize?: number | undefined
  readonly winners?: Winners | undefined
}
export type DeviceLimits = Pick<
  GPUSupportedLimits,
  | "maxComputeInvocationsPerWorkgroup"
  | "maxComputeWorkgroupSizeX"
  | "maxComputeWorkgroupSizeY"
  | "maxComputeWorkgroupStorageSize"
  | "maxComputeWorkgroupsPerDimension"
  | "maxStorageBufferBindingSize"
  | "maxBufferSize"
>

/** What some adapters or browsers do unlike the rest, and what is done for them: planned in the place of a kernel's own choice, or what else is said here. A file each in quirks/. */
export interface Quirk {
  readonly name: string
  applies(adapter: Partial<GPUAdapterInfo>, userAgent: string): boolean
  /** Pure. What it does not concern it gives back as it is. */
  plan?(kernel: AnyKernel, choice: Choice, limits: DeviceLimits): Choice
  /** How often the device is made to look whether its work is done, ms, while somebody waits for that. */
  readonly nudgeMs?: number
  /** How long the thread sleeps between two looks whether work is done, ms, while somebody waits for that. */
  readonly restMs?: number
}
/** As a plan, where constants that are not given are their source's. */
export interface Choice<N extends string = string> {
  readonly algorithm: N
  readonly tuning?: Tuning
}

/** Declares a quirk. Register it in quirks/index.ts. */
export function defineQuirk(quirk: Quirk): Quirk {
  return quirk
}

/** A `.wgsl` file as scripts/generate-wgsl.ts puts it into generated/wgsl.ts. `hash` keys stored measurements. */
export interface WgslFile extends Interface {
  readonly path: string
  readonly hash: string
  readonly code: string
}

export interface Dispatch<Params extends string = string> {
  /** Workgroups in all; the runtime makes a grid of them. 0: there is nothing to compute. */
  readonly workgroups: number
  readonly params: Readonly<Record<Params, number>>
}

export interface Algorithm<P, Params extends string = string> {
  readonly source: WgslFile
  /** The `#if` values for `problem`. Part of the pipeline's key: keep the number of distinct ones small. */
  config?(problem: P): Config
  /** Constants that tuning tries beside the source's own, for any problem or for this one. Where WG is the only one, several sizes unless given. */
  readonly tunings?: readonly Tuning[] | ((problem: P) => readonly Tuning[])
  /** Workgroup size and bytes of workgroup memory under `tuning`: held against the device's limits before anything is compiled. */
  workgroup(tuning: Tuning): { size: readonly [x: number, y: number]; bytes: number }
  /** The feature of the device or of its WGSL without which the code for `problem` does not compile. */
  needs?(problem: P): string | undefined
  /** Why this algorithm can't serve `problem` under `tuning`, the workgroup's size and memory apart; undefined where it can. */
  refuses?(problem: P, tuning: Tuning, limits: Limits): string | undefined
  dispatch(problem: P, tuning: Tuning): Dispatch<Params>
}

/** How far from the float64 reference a result may be, element by element, and where that comes from. No device widens it. */
export interface Tolerance<P> {
  readonly formula: string
  /** The largest right |result − expected| of each element. */
  bounds(inputs: readonly (ArrayLike<number> | undefined)[], problem: P, expected: Float64Array): Float64Array
}

/** How an input of a case is filled, from the case's seed. `integers` are small enough for exact float32 sums. */
export type Fill =
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  | { readonly kind: "integers"; readonly low: number; readonly high: number }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "values"; readonly values: readonly number[] }

/** One right answer to get: serves correctness and speed, on every device there is. */
export interface KernelCase<P, A, N extends string = string> {
  readonly name: string
  /** Of each input; undefined where an optional one is left out. */
  readonly shapes: readonly (Shape | undefined)[]
  /** One for each input, or one for all. */
  readonly fill: Fill | readonly Fill[]
  /** One for each input, or one for all; float32 unless given. */
  readonly dtype?: StoredDtype | readonly StoredDtype[]
  readonly attributes?: A
  /** Forces the algorithm; without, the plan's choice. */
  readonly algorithm?: N
  readonly tuning?: Tuning
  readonly tolerance: Tolerance<P>
  /** Takes long on a software adapter. */
  readonly large?: boolean
}

/** The elements of an input, as many as one likes. */
export type TunedOn<P> = (problem: P, inputs: readonly (TensorType | undefined)[]) => readonly number[]

/** An operation: what it takes and gives, the algorithms that compute it, the right answer and the cases that show it. */
export interface Kernel<P, A = Record<string, never>, N extends string = string> {
  readonly name: string
  /** In the order of the first bindings of every algorithm's source. */
  readonly inputs: readonly Input[]
  /** Attributes that are used where the caller gives none. */
  readonly defaults: A
  readonly algorithms: Readonly<Record<N, Algorithm<P>>>
  /** The problem that these tensors pose; throws IPFA_INPUT_SHAPE or IPFA_INPUT_INVALID where they pose none. */
  problem(inputs: readonly (TensorType | undefined)[], attributes: A): P
  output(problem: P): TensorType
  /** It may leave elements of the result as they are, which in a new tensor is 0. */
  readonly isPartial?: boolean
  /** By an input's name what tuning fills it with, over and over; else random numbers, and 0 where it is of whole ones, which for these inputs would leave nothing to compute. */
  readonly tunedOn?: Readonly<Record<string, TunedOn<P>>>
  /** A pure choice, the default until there are measurements. */
  plan(problem: P, limits: Limits): Choice<N>
  /** The answer in float64. */
  reference(inputs: readonly (ArrayLike<number> | undefined)[], problem: P): Float64Array
  readonly cases: readonly KernelCase<P, A, N>[]
}

/** Declares a kernel; carries its types. Register it in registry.ts. */
export function defineKernel<P, A, N extends string>(kernel: Kernel<P, A, N>): Kernel<P, A, N> {
  return kernel
}

/** Declares an algorithm on a `.wgsl` file, so that `dispatch` must give exactly the fields of the file's `Params`. */
export function defineAlgorithm<P, S extends WgslFile>(
  source: S,
  rest: Omit<Algorithm<P, keyof S["params"] & string>, "source">,
): Algorithm<P> {
  return { source, ...rest } as Algorithm<P>
}

/** An input of float32. */
export const float32 = (name: string): Input => ({ name, dtypes: ["float32"] })

/** A kernel whatever its problem, attributes and algorithms are. */
// biome-ignore lint/suspicious/noExplicitAny: P and A stand in both directions, so no single type but any holds them all
export type AnyKernel = Kernel<any, any, any>
