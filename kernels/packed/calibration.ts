import { fail } from "../../protocol/errors/error.ts"
import { type PackedWeights, unpack } from "./packed-tensor.ts"

/** What a matrix's inputs were on real data: H = Σ x·xᵀ of its activations x, which says what an error of its weights does to its outputs. */
export class Calibration {
  readonly cols: number
  readonly #sums: Float64Array
  #samples = 0

  constructor(cols: number) {
    this.cols = cols
    this.#sums = new Float64Array(cols * cols)
  }

  /** Rows of activations, [samples, cols]. Throws IPFA_INPUT_SHAPE, and IPFA_INPUT_INVALID for one that is not finite. */
  add(activations: ArrayLike<number>): this {
    const { cols } = this
    if (activations.length % cols !== 0)
      throw fail("IPFA_INPUT_SHAPE", { message: `${activations.length} activations are no rows of ${cols}.` })
    for (let start = 0; start < activations.length; start += cols) {
      for (let i = 0; i < cols; i++) {
        const x = activations[start + i]!
        if (!Number.isFinite(x))
          throw fail("IPFA_INPUT_INVALID", { message: `Activation ${start + i} is not finite.`, data: { path: "activations" } }) // biome-ignore format: a line
        for (let j = 0; j <= i; j++) this.#sums[i * cols + j]! += x * activations[start + j]!
      }
      this.#samples++
    }
    return this
  }

  /** The mean over the samples of the squared error of all outputs, Σ over rows of δ·H·δᵀ / samples, δ what packing changed of a row of `weights`. */
  lossOf(weights: ArrayLike<number>, packed: PackedWeights): number {
    const { cols } = this
    const [rows] = packed.shape
    if (packed.shape[1] !== cols || weights.length !== rows * cols)
      throw fail("IPFA_INPUT_SHAPE", { message: `${weights.length} weights are no [${rows}, ${cols}] rows.` })
    const change = unpack(packed).map((weight, at) => weight - weights[at]!)
    let loss = 0
    for (let start = 0; start < change.length; start += cols)
      for (let i = 0; i < cols; i++) {
        let row = (change[start + i]! * this.#sums[i * cols + i]!) / 2
        for (let j = 0; j < i; j++) row += change[start + j]! * this.#sums[i * cols + j]!
        loss += 2 * change[start + i]! * row
      }
    return loss / Math.max(this.#samples, 1)
  }

  /**
   * U, upper triangular, with UᵀU = (H + d·I)⁻¹, d being `damping` times the mean of H's diagonal: by Cholesky from the last column back, H + d·I = R·Rᵀ, U = R⁻¹.
   * Columns that were always 0 are left to themselves.
   */
  inverseFactor(damping: number): Float64Array {
    const { cols } = this
    const diagonal = Array.from({ length: cols }, (_, i) => this.#sums[i * cols + i]!)
    const d = (damping * diagonal.reduce((sum, x) => sum + x, 0)) / cols
    const r = new Float64Array(cols * cols)
    for (let j = cols - 1; j >= 0; j--)
      for (let i = j; i >= 0; i--) {
        let rest = this.#sums[j * cols + i]!
        if (i === j) rest += diagonal[i] === 0 ? 1 : d
        for (let m = j + 1; m < cols; m++) rest -= r[i * cols + m]! * r[j * cols + m]!
        if (i === j && !(rest > 0))
          throw fail("IPFA_INPUT_INVALID", { message: `The activations' columns depend on each other: damp more than ${damping}.`, data: { path: "damping" } }) // biome-ignore format: a line
        r[i * cols + j] = i === j ? Math.sqrt(rest) : rest / r[j * cols + j]!
      }
    const u = new Float64Array(cols * cols)
    for (let j = 0; j < cols; j++) {
      u[j * cols + j] = 1 / r[j * cols + j]!
      for (let i = j - 1; i >= 0; i--) {
        let sum = 0
        for (let m = i + 1; m <= j; m++) sum += r[i * cols + m]! * u[m * cols + j]!
        u[i * cols + j] = -sum / r[i * cols + i]!
      }
    }
    return u
  }
}
