import { type Given, int, ints, of, onOneDevice, stored, tensor, text, texts } from "./single-node.ts"

// Cases beyond ONNX's own.
const { agree } = onOneDevice()

const bytes = (shape: number[], seed = 1) => tensor("uint8", shape, 0, 255, seed)
/** So few bits that products with bytes don't saturate 16 bits on the way, which onnxruntime does on CPUs of one kind. */
const weights = (shape: number[], seed = 2) => stored(tensor("int8", shape, -63, 63, seed))
const point = (value: number) => of("uint8", [], [value])
const scale = (value: number) => of("float32", [], [value])

agree("MatMulInteger", {
  "more terms than float32 holds sums of": {
    inputs: [bytes([3, 5000]), bytes([5000, 4], 2), point(3), point(250)],
    outputs: [["int32", 2]],
  },
  "batches, a zero point a column": {
    inputs: [bytes([2, 3, 40]), stored(bytes([40, 5], 2)), point(128), stored(bytes([5], 3))],
    outputs: [["int32", 3]],
  },
})

agree("ConvInteger", {
  "padding is at the zero point; two groups": {
    attributes: [int("group", 2), ints("pads", [1, 0, 1, 2]), ints("strides", [2, 1])],
    inputs: [bytes([2, 4, 7, 6]), bytes([6, 2, 3, 3], 2), point(117), point(9)],
    outputs: [["int32", 4]],
  },
})

agree("QLinearMatMul", {
  "a scale a column": {
    inputs: [
      bytes([2, 3, 70]),
      scale(0.013),
      point(121),
      stored(bytes([70, 5], 2)),
      stored(tensor("float32", [5], 0.01, 0.02)),
      stored(of("uint8", [5], [128, 128, 128, 128, 128])),
      scale(0.4),
      point(100),
    ],
    outputs: [["uint8", 3]],
  },
})

agree("QLinearConv", {
  "360 terms, a scale a channel and a bias": {
    attributes: [ints("pads", [1, 1, 1, 1])],
    inputs: [
      bytes([1, 40, 6, 5]),
      scale(0.02),
      point(131),
      weights([7, 40, 3, 3]),
      stored(tensor("float32", [7], 0.001, 0.002)),
      stored(of("int8", [7], [0, 0, 0, 0, 0, 0, 0])),
      scale(0.11),
      point(120),
      stored(tensor("int32", [7], -9000, 9000)),
    ],
    outputs: [["uint8", 4]],
  },
})

agree("DynamicQuantizeLinear", {
  "numbers on both sides of 0": {
    inputs: [tensor("float32", [7, 9], -3, 5)],
    outputs: [["uint8", 2], ["float32", 0], ["uint8", 0]], // biome-ignore format: a list
  },
  "nothing but 0": {
    inputs: [of("float32", [3], [0, 0, 0])],
    outputs: [["uint8", 1], ["float32", 0], ["uint8", 0]], // biome-ignore format: a list
  },
})

const numbers = (shape: number[], seed: number) => tensor("float32", shape, -1, 1, seed)
const weightsOf = (shape: number[], seed: number) => stored(numbers(shape, seed))
const state: Given["outputs"] = [["float32", 4], ["float32", 3]] // biome-ignore format: a list

agree("LSTM", {
  "both directions, sequences of different lengths, peepholes": {
    attributes: [int("hidden_size", 5), text("direction", "bidirectional")],
    inputs: [
      numbers([4, 3, 6], 1),
      weightsOf([2, 20, 6], 2),
      weightsOf([2, 20, 5], 3),
      weightsOf([2, 40], 4),
      of("int32", [3], [4, 2, 1]),
      numbers([2, 3, 5], 5),
      numbers([2, 3, 5], 6),
      weightsOf([2, 15], 7),
    ],
    outputs: [...state, ["float32", 3]],
  },
})

agree("GRU", {
  "both directions, the reset after the product": {
    attributes: [int("hidden_size", 5), int("linear_before_reset", 1), text("direction", "bidirectional")],
    inputs: [numbers([4, 3, 6], 1), weightsOf([2, 15, 6], 2), weightsOf([2, 15, 5], 3), weightsOf([2, 30], 4)],
    outputs: state,
  },
  "backwards, from a state": {
    attributes: [int("hidden_size", 5), text("direction", "reverse")],
    inputs: [
      numbers([4, 3, 6], 1),
      weightsOf([1, 15, 6], 2),
      weightsOf([1, 15, 5], 3),
      null,
      null,
      numbers([1, 3, 5], 4),
    ],
    outputs: state,
  },
})

agree("RNN", {
  "another activation": {
    attributes: [int("hidden_size", 5), texts("activations", ["Relu"])],
    inputs: [numbers([4, 3, 6], 1), weightsOf([1, 5, 6], 2), weightsOf([1, 5, 5], 3)],
    outputs: state,
  },
})

const modes = ["linear", "nearest", "cubic"].flatMap((mode) => ["zeros", "border", "reflection"].map((padding) => [mode, padding] as const)) // biome-ignore format: a table
agree(
  "GridSample",
  Object.fromEntries(
    modes.map(([mode, padding], i) => [
      `${mode}, ${padding}`,
      {
        attributes: [text("mode", mode), text("padding_mode", padding), int("align_corners", i % 2)],
        inputs: [numbers([2, 3, 5, 4], 1), tensor("float32", [2, 6, 3, 2], -1.7, 1.7)],
        outputs: [["float32", 4]],
      },
    ]),
  ),
)

const einsum = (equation: string, ...shapes: number[][]): Omit<Given, "operator"> => ({
  attributes: [text("equation", equation)],
  inputs: shapes.map((shape, i) => numbers(shape, i + 1)),
  outputs: [["float32", equation.includes("...") ? 4 : equation.split("->")[1]!.trim().length]],
})
agree("Einsum", {
  "a transposed matrix": einsum("ij->ji", [3, 4]),
  "a diagonal, summed": einsum("iij->j", [3, 3, 4]),
  "all of it": einsum("ij->", [3, 4]),
  "attention's scores": einsum("bthd,bshd->bhts", [2, 5, 3, 4], [2, 6, 3, 4]),
  "elements with elements": einsum("ij,ij->ij", [3, 4], [3, 4]),
  "what only one has, summed away": einsum("ij,kl->il", [3, 4], [2, 5]),
  "three of them": einsum("ij,jk,ki->k", [3, 4], [4, 5], [5, 3]),
  "batches, broadcast": einsum("...ij,...jk->...ik", [2, 1, 3, 4], [2, 5, 4, 6]),
})

const pooled = (attributes: Given["attributes"], shape: number[]) => ({
  attributes,
  inputs: [numbers(shape, 1)],
  outputs: [["float32", shape.length]] as Given["outputs"],
})
agree("AveragePool", {
  "in three axes, padding not counted": pooled([ints("kernel_shape", [2, 3, 2]), ints("strides", [1, 2, 2]), ints("pads", [1, 1, 0, 0, 1, 1])], [1, 2, 4, 7, 6]), // biome-ignore format: a case is a line
  "in three axes, padding counted": pooled([ints("kernel_shape", [2, 3, 2]), ints("pads", [1, 1, 0, 0, 1, 1]), int("count_include_pad", 1)], [1, 2, 4, 7, 6]), // biome-ignore format: a case is a line
})
agree("LpPool", {
  "squares, padded": pooled([ints("kernel_shape", [3, 2]), ints("strides", [2, 1]), ints("pads", [1, 0, 0, 1])], [2, 3, 7, 6]),
  "cubes, along a line": pooled([ints("kernel_shape", [3]), int("p", 3)], [2, 3, 9]),
  "a last window that ends beyond": pooled([ints("kernel_shape", [3, 3]), ints("strides", [2, 2]), int("ceil_mode", 1), int("p", 1)], [1, 2, 8, 8]),
}) // biome-ignore format: a case is a line
agree("GlobalLpPool", {
  squares: pooled([], [2, 3, 4, 5]),
  cubes: pooled([int("p", 3)], [2, 3, 4, 5]),
})

const known = (numbers: number[]) => stored(of("int64", [], numbers))
const one = (value: number) => stored(of("float32", [], [value]))
agree("DFT", {
  "real numbers, one side": {
    attributes: [int("onesided", 1)],
    inputs: [numbers([2, 20, 1], 1)],
    outputs: [["float32", 3]],
  },
  "complex numbers with zeros behind": {
    inputs: [numbers([2, 10, 2], 1), known([16])],
    outputs: [["float32", 3]],
  },
  "back, along the first axis": {
    attributes: [int("inverse", 1)],
    inputs: [numbers([12, 3, 2], 1), null, known([0])],
    outputs: [["float32", 3]],
  },
  "of a length with another factor than two, three and five": {
    inputs: [numbers([2, 14, 2], 1)],
    outputs: [["float32", 3]],
  },
  "of such a length, cut off": {
    attributes: [int("onesided", 1)],
    inputs: [numbers([2, 20, 1], 1), known([14])],
    outputs: [["float32", 3]],
  },
})
agree("STFT", {
  "frames that overlap, windowed": {
    inputs: [numbers([2, 90, 1], 1), known([10]), stored(tensor("float32", [32], 0, 1))],
    outputs: [["float32", 4]],
  },
  "frames of a length with another factor than two, three and five": {
    inputs: [numbers([2, 90, 1], 1), known([10]), stored(tensor("float32", [14], 0, 1))],
    outputs: [["float32", 4]],
  },
  "frames without a window": {
    inputs: [numbers([2, 90, 1], 1), known([10]), null, known([16])],
    outputs: [["float32", 4]],
  },
})
for (const operator of ["HannWindow", "HammingWindow", "BlackmanWindow"])
  agree(operator, {
    periodic: { inputs: [known([10])], outputs: [["float32", 1]] },
    symmetric: { attributes: [int("periodic", 0)], inputs: [known([10])], outputs: [["float32", 1]] },
  })
agree("MelWeightMatrix", {
  "of few bins": {
    inputs: [known([8]), known([64]), known([8192]), one(0), one(4096)],
    outputs: [["float32", 2]],
  },
})

agree("GatherElements", {
  "fewer lines of indices than there are of elements, from either end": {
    attributes: [int("axis", 1)],
    inputs: [tensor("float32", [3, 5, 4]), tensor("int64", [2, 6, 3], -5, 4)],
    outputs: [["float32", 3]],
  },
})
