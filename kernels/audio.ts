import { fail } from "../protocol/errors/error.ts"
import type { Kernels } from "./create-kernels.ts"
import type { GpuTensor } from "./gpu-tensor.ts"
import { keeping } from "./keeping.ts"

type Float32 = GpuTensor<"float32">

/** How many cosines each window is made of, and their weights. */
export const cosineWindows = {
  hann: [0.5, 0.5],
  hamming: [25 / 46, 21 / 46],
  blackman: [0.42, 0.5, 0.08],
} as const

/** A window [size]; a periodic one goes on as if it were one longer. */
export function cosineWindow(
  name: keyof typeof cosineWindows,
  size: number,
  periodic = true,
): Float32Array<ArrayBuffer> {
  const turn = (2 * Math.PI) / Math.max(periodic ? size : size - 1, 1)
  return Float32Array.from({ length: size }, (_, i) =>
    cosineWindows[name].reduce((sum, weight, k) => sum + (-1) ** k * weight * Math.cos(k * turn * i), 0),
  )
}

/** Mels of a frequency in Hz, and back (O'Shaughnessy, 1987; HTK's). */
const melOf = (hertz: number) => 2595 * Math.log10(1 + hertz / 700)
const hertzOf = (mel: number) => 700 * (10 ** (mel / 2595) - 1)

/** Edges of `count` triangles that lie evenly in mels: the middle of each is where its neighbours end. In Hz, from `low` to `high`, `steps` apart in all. */
export function melEdges(count: number, low: number, high: number, steps = count + 1): number[] {
  const step = (melOf(high) - melOf(low)) / steps
  return Array.from({ length: count + 2 }, (_, i) => hertzOf(melOf(low) + i * step))
}

/** Triangles over the bins of a transform: [bins, mels]. */
export function melFilters({
  mels,
  size,
  sampleRate,
  low,
  high,
}: MelOptions & { size: number }): Float32Array<ArrayBuffer> {
  const edges = melEdges(mels, low, high)
  const bins = Math.floor(size / 2) + 1
  return Float32Array.from({ length: bins * mels }, (_, i) => {
    const frequency = (Math.floor(i / mels) * sampleRate) / size
    const [left, middle, right] = edges.slice(i % mels, (i % mels) + 3) as [number, number, number]
    return Math.max(Math.min((frequency - left) / (middle - left), (right - frequency) / (right - middle)), 0)
  })
}

/** The discrete cosine transform (II, orthonormal) as a matrix [size, count]. */
export function dctMatrix(size: number, count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: size * count }, (_, i) => {
    const [row, k] = [Math.floor(i / count), i % count]
    return Math.sqrt((k === 0 ? 1 : 2) / size) * Math.cos((Math.PI * k * (2 * row + 1)) / (2 * size))
  })
}

interface MelOptions {
  /** Triangles, and the frequencies in Hz that they lie between. */
  mels: number
  low: number
  high: number
  /** Samples of a second. */
  sampleRate: number
}
export interface MelSpectrogramOptions extends MelOptions {
  /** Samples of a frame, and from one's first to the next one's. */
  frame: number
  hop: number
  /** Length of the transform, in which a frame has zeros behind it. */
  size: number
  window: keyof typeof cosineWindows
  /** What a power counts at least, before its logarithm is taken. */
  floor: number
}
export const melDefaults: MelSpectrogramOptions = {
  ...{ mels: 80, low: 0, high: 8000, sampleRate: 16_000 },
  ...{ frame: 400, hop: 160, size: 400, window: "hann", floor: 1e-10 },
}

/** Natural logarithms of the power in each mel band: samples float32 [batch, samples] → [batch, frames, mels]. The result is the caller's to destroy. */
export async function logMel(
  gpu: Kernels,
  samples: Float32,
  options: Partial<MelSpectrogramOptions> = {},
): Promise<Float32> {
  const given = { ...melDefaults, ...options }
  const { frame, hop, size, mels } = given
  const [, length] = samples.shape
  const frames = Math.floor((length! - frame) / hop) + 1
  if (samples.shape.length !== 2 || !(frames > 0))
    throw fail("IPFA_INPUT_SHAPE", { message: `logMel takes [batch, samples], ${frame} samples at least, not [${samples.shape}].`, data: { path: "samples" } }) // biome-ignore format: an error
  if (frame > size)
    throw fail("IPFA_INPUT_INVALID", {
      message: `logMel takes a transform of ${frame} at least.`,
      data: { path: "size" },
    })
  return keeping(async (keep) => {
    const table = (shape: number[], data: Float32Array<ArrayBuffer>) =>
      keep(gpu.tensor({ dtype: "float32", shape, data }))
    const window = table([frame], cosineWindow(given.window, frame))
    const spectrum = { frame, hop, length: size, oneSided: true, power: true }
    const power = keep(await gpu.fft(samples, spectrum, window))
    const banded = keep(await gpu.matmul(power, table([Math.floor(size / 2) + 1, mels], melFilters(given))))
    const floored = keep(await gpu.maximum(banded, table([], Float32Array.of(given.floor))))
    return gpu.log(floored)
  })
}

/** Mel-frequency cepstral coefficients, the first `count`: samples float32 [batch, samples] → [batch, frames, count]. */
export async function mfcc(
  gpu: Kernels,
  samples: Float32,
  options: Partial<MelSpectrogramOptions> & { count: number },
): Promise<Float32> {
  return keeping(async (keep) => {
    const bands = keep(await logMel(gpu, samples, options))
    const mels = bands.shape[2]!
    const data = dctMatrix(mels, options.count)
    return gpu.matmul(bands, keep(gpu.tensor({ dtype: "float32", shape: [mels, options.count], data })))
  })
}
