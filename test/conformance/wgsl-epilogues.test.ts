import { float, type Graph, type Input, int, of, onOneDevice, stored, tensor } from "./single-node.ts"

// What is done along with a product, or with a normalization, in one dispatch; and what only looks like it, which stays as it is.
const { agreeBy } = onOneDevice()

type Node = Graph["nodes"][number]
const node = (opType: string, input: string[], output: string, attribute: Node["attribute"] = []): Node => ({ opType, input, output: [output], attribute }) // biome-ignore format: a line
const numbers = (shape: number[], seed = 1) => tensor("float32", shape, -2, 2, seed)
const weights = (shape: number[], seed = 2) => stored(numbers(shape, seed))
const one = (value: number, shape: number[] = []) => stored(of("float32", shape, [value]))

const all: Record<string, Input> = {
  a: numbers([2, 3, 5]),
  w: weights([5, 4]),
  rows: numbers([6, 5]),
  column: numbers([6, 1]),
  bias: weights([4], 3),
  skip: numbers([2, 3, 4], 4),
  whole: numbers([6, 4], 5),
  stored: weights([6, 4], 6),
  factor: one(0.3, [1]),
  wide: one(0.3, [1, 1, 1, 1]),
  two: weights([2, 1, 1], 7),
  square: weights([2, 4, 4], 10),
  x: numbers([2, 3, 4], 8),
  scale: weights([4], 9),
  long: numbers([2, 3, 64], 11),
  longs: numbers([6, 64], 12),
  bytes: stored(tensor("int8", [64, 4], -128, 127)),
  step: one(0.01),
  steps: stored(of("float32", [4], [0.01, 0.02, 0.005, 0.25])),
  offset: stored(of("int8", [4], [1, 0, -7, 30])),
  blocks: stored(tensor("uint8", [4, 2, 16], 0, 255)),
  sizes: stored(tensor("float32", [8], 0.01, 0.02)),
  shift: stored(tensor("int8", [4], -128, 127, 3)),
}
const graph = (kernels: string[], nodes: Node[], outputs: Graph["outputs"] = { y: ["float32", 3] }) => ({
  nodes,
  outputs,
  kernels,
  inputs: Object.fromEntries(Object.entries(all).filter(([name]) => nodes.some(({ input }) => input.includes(name)))),
})
const product = node("MatMul", ["a", "w"], "p")
const flat = { y: ["float32", 2] } as const satisfies Graph["outputs"]
const gemm = (input: string[], output: string, alpha: number, beta: number) => node("Gemm", input, output, [float("alpha", alpha), float("beta", beta)]) // biome-ignore format: a line

agreeBy("a product and what follows it", {
  "a scale": graph(["matmul"], [product, node("Mul", ["factor", "p"], "y")]),
  "a divisor, a bias, a residual, then Relu": graph(
    ["matmul"],
    [
      product,
      node("Div", ["p", "factor"], "q"),
      node("Add", ["bias", "q"], "r"),
      node("Add", ["r", "skip"], "s"),
      node("Relu", ["s"], "y"),
    ],
  ),
  "Relu, then a residual": graph(["matmul"], [product, node("Relu", ["p"], "q"), node("Add", ["skip", "q"], "y")]),
  "a residual of several matrices": graph(
    ["matmul"],
    [node("MatMul", ["skip", "square"], "p"), node("Add", ["p", "x"], "y")],
  ),
  "a product that divides": graph(["matmul", "div"], [product, node("Div", ["factor", "p"], "y")]),
  "a factor for each matrix": graph(["matmul", "mul"], [product, node("Mul", ["p", "two"], "y")]),
  "a factor that adds an axis": graph(["matmul", "mul"], [product, node("Mul", ["p", "wide"], "y")], { y: ["float32", 4] }), // biome-ignore format: a line
  "a product that is wanted itself": graph(["matmul", "add"], [product, node("Add", ["p", "skip"], "y")], {
    y: ["float32", 3],
    p: ["float32", 3],
  }),
  "a residual that comes later": graph(
    ["matmul", "tanh", "add"],
    [product, node("Tanh", ["skip"], "q"), node("Add", ["p", "q"], "y")],
  ),
})

agreeBy("Gemm", {
  "alpha, and a stored row times beta": graph(["matmul"], [gemm(["rows", "w", "bias"], "y", 0.5, 2)], flat),
  "a whole addend, then Relu": graph(
    ["matmul"],
    [gemm(["rows", "w", "whole"], "p", 1, 1), node("Relu", ["p"], "y")],
    flat,
  ),
  "alpha, and a whole stored addend times beta": graph(["matmul"], [gemm(["rows", "w", "stored"], "y", 2, -1)], flat),
  "alpha, a row and a residual": graph(
    ["matmul"],
    [gemm(["rows", "w", "bias"], "p", 2, 1), node("Add", ["p", "whole"], "y")],
    flat,
  ),
  "no addend, and a bias that follows": graph(
    ["matmul"],
    [gemm(["rows", "w"], "p", 0.5, 3), node("Add", ["p", "bias"], "y")],
    flat,
  ),
  "a column": graph(["matmul", "add"], [gemm(["rows", "w", "column"], "y", 1, 1)], flat),
})

const numbered = node("DequantizeLinear", ["bytes", "steps", "offset"], "eights", [int("axis", 1)])
const ofBytes = node("MatMul", ["long", "eights"], "p")
const gemmOfBytes = (input: string[], alpha: number) => [numbered, node("Gemm", ["longs", "eights", ...input], "p", [float("alpha", alpha)])] // biome-ignore format: a line
const exactly = (...given: Parameters<typeof graph>) => ({ ...graph(...given), asItStands: true })
agreeBy("a product with stored bytes and what follows it", {
  "a scale, a bias, a residual, then Relu": exactly(
    ["packed-matmul"],
    [
      numbered,
      ofBytes,
      node("Mul", ["p", "factor"], "q"),
      node("Add", ["q", "bias"], "r"),
      node("Add", ["r", "skip"], "s"),
      node("Relu", ["s"], "y"),
    ],
  ),
  "a bias in bytes, too, then Sigmoid and a residual": exactly(
    ["packed-matmul"],
    [
      numbered,
      node("DequantizeLinear", ["shift", "step"], "dequantized"),
      ofBytes,
      node("Add", ["dequantized", "p"], "q"),
      node("Sigmoid", ["q"], "r"),
      node("Add", ["skip", "r"], "y"),
    ],
  ),
  "Gemm with alpha and a row, then Relu": exactly(
    ["packed-matmul"],
    [...gemmOfBytes(["bias"], 0.5), node("Relu", ["p"], "y")],
    flat,
  ),
  "Gemm with a whole addend, then Tanh": exactly(
    ["packed-matmul"],
    [...gemmOfBytes(["whole"], 0.01), node("Tanh", ["p"], "y")],
    flat,
  ),
  "a product that is wanted itself": exactly(
    ["packed-matmul", "add"],
    [numbered, ofBytes, node("Add", ["p", "skip"], "y")],
    { y: ["float32", 3], p: ["float32", 3] },
  ),
})

const ofBlocks = (input: string[]): Node => ({
  ...node("MatMulNBits", ["long", "blocks", "sizes", ...input], "p", [int("N", 4), int("K", 64), int("bits", 4), int("block_size", 32)]), // biome-ignore format: a line
  domain: "com.microsoft",
})
agreeBy("MatMulNBits and what follows it", {
  "a bias, a residual, then Relu": graph(
    ["packed-matmul"],
    [ofBlocks([]), node("Add", ["p", "bias"], "q"), node("Add", ["q", "skip"], "r"), node("Relu", ["r"], "y")],
  ),
  "its own bias, then LeakyRelu and a residual": graph(
    ["packed-matmul"],
    [ofBlocks(["", "", "bias"]), node("LeakyRelu", ["p"], "q", [float("alpha", 0.3)]), node("Add", ["skip", "q"], "y")],
  ),
  "its own bias, then a scale and another bias": graph(
    ["packed-matmul", "mul", "add"],
    [ofBlocks(["", "", "bias"]), node("Mul", ["p", "factor"], "q"), node("Add", ["q", "scale"], "y")],
  ),
})

const norm = (input: string, output: string) => node("LayerNormalization", [input, "scale", "bias"], output)
const skipping = (input: string[], output: string[]) => ({
  ...node("SkipLayerNormalization", input, "", [float("epsilon", 1e-5)]),
  domain: "com.microsoft",
  output,
})
agreeBy("a normalization and what comes before it", {
  "a sum that nothing else wants": graph(["layer-norm"], [node("Add", ["x", "skip"], "p"), norm("p", "y")]),
  "a sum that is wanted": graph(
    ["add", "layer-norm", "mul"],
    [node("Add", ["x", "skip"], "p"), norm("p", "q"), node("Mul", ["p", "q"], "y")],
  ),
  "a row added to each": graph(["add", "layer-norm"], [node("Add", ["x", "bias"], "p"), norm("p", "y")]),
  "the residual of a product": graph(
    ["matmul", "layer-norm"],
    [product, node("Add", ["p", "skip"], "q"), norm("q", "y")],
  ),
  "ONNX Runtime's, whose sum nothing wants": graph(["layer-norm"], [skipping(["x", "skip", "scale", "bias"], ["y"])]),
  "ONNX Runtime's, with a bias of the sum": graph(
    ["add", "layer-norm"],
    [skipping(["x", "skip", "scale", "", "bias"], ["y"])],
  ),
  "ONNX Runtime's, whose sum is wanted": graph(
    ["add", "layer-norm"],
    [skipping(["x", "skip", "scale", "bias"], ["y", "", "", "p"])],
    { y: ["float32", 3], p: ["float32", 3] },
  ),
})
