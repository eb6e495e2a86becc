/** Operations of image models beside convolution: [1, channels, height, width]. */
import { elems, floats, ints, type OperationCase, operation, plainly, text } from "./operation.ts"

const pooled = (channels: number, size: number) =>
  operation(
    {
      name: `max pool 3x3 stride 2 ${channels} ${size}x${size} f32`,
      measures: ["pool2d"],
      shapes: [[1, channels, size, size]],
      output: [1, channels, size / 2, size / 2],
      flops: (9 * channels * size * size) / 4,
      node: {
        opType: "MaxPool",
        attribute: [ints("kernel_shape", [3, 3]), ints("strides", [2, 2]), ints("pads", [1, 1, 1, 1])],
      },
    },
    plainly((gpu, [x]) => gpu.maxPool(x!, { size: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })),
  )

/** A convolution backwards, whose windows lie side by side. */
const grown = (channels: number, outs: number, size: number) =>
  operation(
    {
      name: `conv transpose 2x2 stride 2 ${channels}→${outs} ${size}x${size} f32`,
      measures: ["conv-transpose2d"],
      shapes: [[1, channels, size, size], [channels, outs, 2, 2], [outs]],
      output: [1, outs, 2 * size, 2 * size],
      flops: 2 * channels * outs * elems([2, size, 2, size]),
      node: { opType: "ConvTranspose", attribute: [ints("strides", [2, 2])] },
    },
    plainly((gpu, [x, w, bias]) => gpu.convTranspose2d(x!, w!, bias, { strides: [2, 2] })),
  )

/** Twice as large, between pixels by the two around it along each axis. */
function resized(channels: number, size: number): OperationCase {
  const count = 2 * size
  const at = Array.from({ length: count }, (_, i) => Math.min(Math.max((i + 0.5) / 2 - 0.5, 0), size - 1))
  const low = at.map(Math.floor)
  const indices = Int32Array.from(low.flatMap((i) => [i, Math.min(i + 1, size - 1)]))
  const weights = Float32Array.from(at.flatMap((place, i) => [1 - (place - low[i]!), place - low[i]!]))
  return operation(
    {
      name: `resize linear ${channels} ${size}x${size} to ${count}x${count} f32`,
      measures: ["resample"],
      shapes: [[1, channels, size, size]],
      output: [1, channels, count, count],
      flops: 8 * channels * count * count,
      node: { opType: "Resize", attribute: [text("mode", "linear")] },
      weights: [floats("roi", [0], []), floats("scales", [4], [1, 1, 2, 2])],
    },
    (gpu, [x]) => {
      const which = gpu.tensor({ dtype: "int32", shape: [count, 2], data: indices })
      const much = gpu.tensor({ dtype: "float32", shape: [count, 2], data: weights })
      return async () => {
        const wide = await gpu.resample(x!, which, much, { axis: 3 })
        const y = await gpu.resample(wide, which, much, { axis: 2 })
        wide.destroy()
        return y
      }
    },
  )
}

const sampled = (channels: number, size: number) =>
  operation(
    {
      name: `grid sample ${channels} ${size}x${size} f32`,
      measures: ["grid-sample"],
      shapes: [
        [1, channels, size, size],
        [1, size, size, 2],
      ],
      output: [1, channels, size, size],
      flops: 8 * channels * size * size,
      node: { opType: "GridSample" },
    },
    plainly((gpu, [x, grid]) => gpu.gridSample(x!, grid!)),
  )

export const imageCases: readonly OperationCase[] = [
  pooled(64, 112),
  grown(64, 32, 56),
  resized(32, 64),
  sampled(32, 64),
]
