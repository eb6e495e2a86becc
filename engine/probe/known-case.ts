/**
 * The known case: a convolution, a matrix product and a softmax on fixed numbers, computed here in float64 by plain loops that share no code
 * with any runtime. All numbers are multiples of 1/256 below 1, so that float32 (and the file) hold them exactly.
 */
export const shapes = {
  /** [batch, channels, height, width] */
  input: [1, 3, 8, 8],
  /** [filters, channels, height, width] */
  filters: [4, 3, 3, 3],
  bias: [4],
  /** [conv outputs flattened, classes] */
  weights: [4 * 6 * 6, 10],
} as const

const spread = (seed: number) => (_: unknown, i: number) => ((((i + seed) * 7919) % 509) - 254) / 256
const numbers = (shape: readonly number[], seed: number): Float32Array =>
  Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, spread(seed))

export const knownCase = {
  input: numbers(shapes.input, 1),
  filters: numbers(shapes.filters, 2),
  bias: numbers(shapes.bias, 3),
  weights: numbers(shapes.weights, 4),
}

export interface KnownAnswer {
  /** [1, 10]: flatten(relu(conv(input, filters) + bias)) × weights */
  scores: Float64Array
  /** [1, 10]: softmax(scores) */
  probabilities: Float64Array
}

export function computeKnownAnswer(): KnownAnswer {
  const { input, filters, bias, weights } = knownCase
  const [, channels, height, width] = shapes.input
  const [count, , size] = shapes.filters
  const [rows, classes] = shapes.weights
  const outHeight = height - size + 1
  const outWidth = width - size + 1
  const hidden = new Float64Array(rows)
  for (let f = 0; f < count; f++)
    for (let y = 0; y < outHeight; y++)
      for (let x = 0; x < outWidth; x++) {
        let sum = bias[f]!
        for (let c = 0; c < channels; c++)
          for (let dy = 0; dy < size; dy++)
            for (let dx = 0; dx < size; dx++)
              sum +=
                input[(c * height + y + dy) * width + x + dx]! * filters[((f * channels + c) * size + dy) * size + dx]!
        hidden[(f * outHeight + y) * outWidth + x] = Math.max(0, sum)
      }
  const scores = Float64Array.from({ length: classes }, (_, j) =>
    hidden.reduce((sum, h, i) => sum + h * weights[i * classes + j]!, 0),
  )
  const top = Math.max(...scores)
  const exps = scores.map((s) => Math.exp(s - top))
  const total = exps.reduce((a, b) => a + b, 0)
  return { scores, probabilities: exps.map((e) => e / total) }
}
