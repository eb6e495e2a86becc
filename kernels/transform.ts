import { fail } from "../protocol/errors/error.ts"
import type { GpuTensor } from "./gpu-tensor.ts"
import { keeping } from "./keeping.ts"
import { mul } from "./ops/binary/binary.ts"
import { copy } from "./ops/copy/copy.ts"
import { type FftAttributes, type FftProblem, fft, hasFft, lengthOf } from "./ops/fft/fft.ts"
import { turnsOf } from "./ops/fft/passes.ts"
import { matmul } from "./ops/matmul/matmul.ts"
import { reduceSumSquare } from "./ops/reduce/reduce.ts"
import type { PlanOptions } from "./plan.ts"
import { computedType } from "./prepare.ts"
import type { KernelRuntime } from "./runtime.ts"
import { isInOrder, type View } from "./view.ts"

/** A transform is a product with a matrix: up to so many numbers of it are worth their memory. */
const MOST_NUMBERS = 2 ** 24

/**
 * The discrete Fourier transform as a matrix [rows · parts, 2 · bins]: numbers in a row, real (`parts` 1) or real and imaginary part by turns (2), times it give the same of each bin by
 * turns. Of a signal of `length` with zeros behind its first `rows`. The inverse is divided by the length. Throws IPFA_DEVICE_UNSUPPORTED where that would be too large.
 */
export function dftMatrix(
  length: number,
  rows: number,
  bins: number,
  parts: 1 | 2 = 1,
  inverse = false,
): Float32Array<ArrayBuffer> {
  const numbers = rows * parts * 2 * bins
  if (numbers > MOST_NUMBERS) {
    const reason = `its transform is of ${length} numbers`
    throw fail("IPFA_DEVICE_UNSUPPORTED", { message: `A transform can't be computed here: ${reason}.`, data: { reason } }) // biome-ignore format: an error
  }
  const matrix = new Float32Array(numbers)
  const [sign, scale] = inverse ? [1, 1 / length] : [-1, 1]
  for (let row = 0; row < rows; row++)
    for (let bin = 0; bin < bins; bin++) {
      // A whole number of turns less changes nothing, and keeps the angle small.
      const angle = (2 * Math.PI * ((row * bin) % length)) / length
      const [re, im] = [scale * Math.cos(angle), sign * scale * Math.sin(angle)]
      matrix.set([re, im], (row * parts * bins + bin) * 2)
      if (parts === 2) matrix.set([-im, re], ((row * 2 + 1) * bins + bin) * 2)
    }
  return matrix
}

/** What `fft` computes, as a product: `from` shows x's numbers [rows, used, parts], which times `matrix` [used · parts, 2 · bins] are the bins. */
export interface ByMatrix {
  readonly from: View
  /** Whether that is all of x. */
  readonly isWhole: boolean
  readonly shape: readonly [rows: number, cols: number]
  readonly matrix: Float32Array<ArrayBuffer>
}

export function byMatrix({ complex, rows, frames, signal, hop, used, length, bins, inverse }: FftProblem): ByMatrix {
  const parts = complex ? 2 : 1
  return {
    from: {
      shape: [rows / frames, frames, used, parts],
      strides: [signal * parts, hop * parts, parts, 1],
      offset: 0,
    },
    isWhole: frames === 1 && used === signal,
    shape: [used * parts, 2 * bins],
    matrix: dftMatrix(length, used, bins, parts, inverse),
  }
}

/** The discrete Fourier transform by the kernel `fft` where it has that length or `options` force it, else as a product with a matrix. Throws as those do. */
export async function transformed(
  runtime: KernelRuntime,
  x: GpuTensor,
  window: GpuTensor | undefined,
  attributes: Partial<FftAttributes> = {},
  options: PlanOptions<"passes"> = {},
): Promise<GpuTensor> {
  const all = { ...fft.defaults, ...attributes }
  const length = lengthOf(x.shape, all)
  return keeping(async (keep) => {
    const table = (shape: number[], data: Float32Array<ArrayBuffer>) => keep(runtime.upload("float32", shape, data))
    const isForced = options.algorithm !== undefined || options.tuning !== undefined
    if (isForced || hasFft(length, runtime.limits))
      return runtime.run(fft, [x, table([length, 2], turnsOf(length)), window], attributes, options)
    const types = [x, { dtype: "float32" as const, shape: [length, 2] }, window]
    const problem = fft.problem(
      types.map((type) => type && computedType(type)),
      all,
    )
    const { lead, rows, used, bins, power } = problem
    const { from, isWhole, shape, matrix } = byMatrix(problem)
    const numbers = isWhole && isInOrder(x) ? keep(x.share(from.shape)) : keep(await runtime.run(copy, [x], { from }))
    const weights = window && keep(keep(window.slice(0, 0, used)).share([used, 1]))
    const windowed = weights ? keep(await runtime.run(mul, [numbers, weights])) : numbers
    const lines = keep(windowed.share([rows, shape[0]]))
    const spectrum = keep(await runtime.run(matmul, [lines, table([...shape], matrix)]))
    if (!power) return spectrum.share([...lead, bins, 2])
    const squares = keep(await runtime.run(reduceSumSquare, [keep(spectrum.share([rows * bins, 2]))]))
    return squares.share([...lead, bins])
  })
}
