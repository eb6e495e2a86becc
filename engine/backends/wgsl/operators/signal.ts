import {
  copy,
  cosineWindow,
  type cosineWindows,
  dftMatrix,
  matmul,
  melEdges,
  mul,
  permuted,
  sliced,
  wholeView,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { unsupported } from "../unsupported.ts"
import { product } from "./indices.ts"

/** A transform is a product with a matrix: up to so many numbers of it are worth their memory. */
const MOST_NUMBERS = 2 ** 24

/** Rows [..., length · parts] as spectra [..., bins, 2] of a signal of `length` numbers with zeros behind it. */
function spectra(node: NodeLowering, x: Value, length: number, parts: 1 | 2, bins: number): Value {
  const rows = x.shape.at(-1)! / parts
  if (rows * parts * 2 * bins > MOST_NUMBERS) throw unsupported(`its transform is of ${length} numbers`)
  const isInverse = node.int("inverse", 0) === 1
  const matrix = node.graph.constant([rows * parts, 2 * bins], dftMatrix(length, rows, bins, parts, isInverse))
  const lines = node.reshaped(x, [product(x.shape.slice(0, -1)), rows * parts])
  return node.reshaped(node.run(matmul, [lines, matrix]), [...x.shape.slice(0, -1), bins, 2])
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
    const parts = x.shape.at(-1)! as 1 | 2
    if (node.int("onesided", 0) === 1 && node.int("inverse", 0) === 1) throw unsupported("it makes real numbers")
    const length = node.knownOr(1, [x.shape[axis]!])[0]!
    const bins = node.outputShape()[axis]!
    const others = [...x.shape.keys()].filter((one) => one !== axis && one !== rank - 1)
    // What is longer than the transform is cut off.
    const used = Math.min(x.shape[axis]!, length)
    const from = permuted(sliced(wholeView(x.shape), axis, 0, used), [...others, axis, rank - 1])
    const signal = node.run(copy, [x], { from })
    const lines = node.reshaped(signal, [...others.map((one) => x.shape[one]!), used * parts])
    const result = spectra(node, lines, length, parts, bins)
    const order = [...x.shape.keys()].map((one) =>
      one === axis ? rank - 2 : one === rank - 1 ? one : others.indexOf(one),
    )
    node.set(
      0,
      axis === rank - 2 ? result : node.run(copy, [result], { from: permuted(wholeView(result.shape), order) }),
    )
  }),

  // Frames overlap: a view has them without a copy of each.
  defineLowering("STFT", (node) => {
    const x = node.input(0)
    if (x.shape[2] === 2) throw unsupported("its signal is complex")
    const [batch, frames, bins] = node.outputShape() as [number, number, number]
    const step = node.known(1)[0]!
    const length = node.has(3) ? node.known(3)[0]! : node.input(2).shape[0]!
    const from = { shape: [batch, frames, length], strides: [x.shape[1]!, step, 1], offset: 0 }
    const framed = node.run(copy, [x], { from })
    node.set(0, spectra(node, node.has(2) ? node.run(mul, [framed, node.input(2)]) : framed, length, 1, bins))
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
