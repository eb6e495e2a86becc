import {
  byMatrix,
  copy,
  cosineWindow,
  type cosineWindows,
  type FftAttributes,
  fft,
  hasFft,
  lengthOf,
  matmul,
  melEdges,
  mul,
  permuted,
  turnsOf,
  wholeView,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { unsupported } from "../unsupported.ts"
import { product } from "./indices.ts"

/** Spectra of x's last axis, or of frames of it, by the kernel that has them or as a product with a matrix. */
function spectra(node: NodeLowering, x: Value, attributes: Partial<FftAttributes>, window?: Value): Value {
  const { graph } = node
  const all = { ...fft.defaults, ...attributes }
  const length = lengthOf(x.shape, all)
  if (hasFft(length, graph.limits))
    return node.run(fft, [x, graph.constant([length, 2], turnsOf(length)), window], attributes)
  const problem = fft.problem([x, { dtype: "float32", shape: [length, 2] }, window], all)
  const { lead, rows, used, bins } = problem
  const { from, isWhole, shape, matrix } = byMatrix(problem)
  const numbers = isWhole ? node.reshaped(x, from.shape) : node.run(copy, [x], { from })
  const windowed = window ? node.run(mul, [numbers, node.reshaped(window, [used, 1])]) : numbers
  const lines = node.reshaped(windowed, [rows, shape[0]])
  return node.reshaped(node.run(matmul, [lines, graph.constant(shape, matrix)]), [...lead, bins, 2])
}

const window = (operator: string, name: keyof typeof cosineWindows) =>
  defineLowering(operator, (node) => {
    const [size] = node.outputShape() as [number]
    node.set(0, node.graph.constant([size], cosineWindow(name, size, node.int("periodic", 1) === 1)))
  })

export const signals = [
  defineLowering("DFT", (node) => {
    const x = node.input(0)
    const rank = x.shape.length
    const axis = node.axis(node.opset >= 20 ? node.knownOr(2, [-2])[0]! : node.int("axis", 1), rank)
    const complex = x.shape.at(-1) === 2
    const oneSided = node.int("onesided", 0) === 1
    const inverse = node.int("inverse", 0) === 1
    if (oneSided && inverse) throw unsupported("it makes real numbers")
    const length = node.knownOr(1, [x.shape[axis]!])[0]!
    // the axis in front of the parts, and back
    const order = [...x.shape.keys()].toSpliced(axis, 1).toSpliced(rank - 2, 0, axis)
    const turned = (value: Value, axes: readonly number[]) =>
      axis === rank - 2 ? value : node.run(copy, [value], { from: permuted(wholeView(value.shape), axes) })
    const lines = turned(x, order)
    const signals = complex ? lines : node.reshaped(lines, lines.shape.slice(0, -1))
    const bins = spectra(node, signals, { complex, length, inverse, oneSided })
    node.set(0, turned(bins, [...order.keys()].map((one) => order.indexOf(one)))) // biome-ignore format: a line
  }),

  defineLowering("STFT", (node) => {
    const x = node.input(0)
    if (x.shape[2] === 2) throw unsupported("its signal is complex")
    const oneSided = node.int("onesided", 1) === 1
    const [hop] = node.known(1) as [number]
    const frame = node.has(3) ? node.known(3)[0]! : node.input(2).shape[0]!
    const signals = node.reshaped(x, x.shape.slice(0, 2))
    node.set(0, spectra(node, signals, { oneSided, frame, hop }, node.optional(2)))
  }),

  window("HannWindow", "hann"),
  window("HammingWindow", "hamming"),
  window("BlackmanWindow", "blackman"),

  // Triangles between whole bins; one that is no bin wide is that bin.
  defineLowering("MelWeightMatrix", (node) => {
    const [mels, length, rate, low, high] = [0, 1, 2, 3, 4].map((i) => node.known(i)[0]!) as [number, number, number, number, number] // biome-ignore format: five numbers
    const edges = melEdges(mels, low, high, mels + 2).map((hertz) => Math.floor(((length + 1) * hertz) / rate))
    const shape = node.outputShape() as [number, number]
    const weights = Float32Array.from({ length: product(shape) }, (_, i) => {
      const bin = Math.floor(i / mels)
      const [left, middle, right] = edges.slice(i % mels, (i % mels) + 3) as [number, number, number]
      if (bin === middle) return 1
      if (bin < left || bin > right) return 0
      return bin < middle ? (bin - left) / (middle - left) : (right - bin) / (right - middle)
    })
    node.set(0, node.graph.constant(shape, weights))
  }),
]
