import { describe, expect, test } from "vitest"
import { computed, float, type Graph, type Input, int, of, onOneDevice, stored, tensor, text } from "./single-node.ts"

// What ONNX says of the edges of its operators, and what fusing nodes must not change. Each of these was wrong once.
const { agree, agreeOn, runtime } = onOneDevice()

const numbers = (shape: number[], seed = 1) => tensor("float32", shape, -2, 2, seed)
const weights = (shape: number[], seed = 2) => stored(numbers(shape, seed))
const one = (value: number, shape: number[] = []) => stored(of("float32", shape, [value]))
const list = (numbers: number[]) => stored(of("int64", [numbers.length], numbers))
const node = (opType: string, input: string[], output: string, attribute: Graph["nodes"][number]["attribute"] = []) => ({ opType, input, output: [output], attribute }) // biome-ignore format: a line

agree("Pow", {
  "a square whose exponent has more axes than its base": { inputs: [numbers([3]), one(2, [1, 1])], outputs: [["float32", 2]] }, // biome-ignore format: a case is a line
  "a root whose exponent has more axes than its base": { inputs: [tensor("float32", [3], 1, 2), one(0.5, [1, 1])], outputs: [["float32", 2]] }, // biome-ignore format: as above
})

for (const operator of ["ReduceSum", "ReduceMax", "ReduceSumSquare", "ReduceL1", "ReduceL2", "ReduceLogSum"]) {
  const x = operator === "ReduceLogSum" ? tensor("float32", [2, 3], 1, 2) : numbers([2, 3])
  const attributes = [int("noop_with_empty_axes", 1)]
  agree(operator, {
    "over no axes, each element by itself": { attributes, inputs: [x, list([])], outputs: [["float32", 2]] },
    "over no axes, which are left out": { attributes, inputs: [x], outputs: [["float32", 2]] },
  })
}

agree("Slice", {
  "backwards through nothing": {
    inputs: [of("float32", [2, 0], []), list([-1]), list([-100]), list([1]), list([-1])],
    outputs: [["float32", 2]],
  },
})

agree("LayerNormalization", {
  "weights along another axis than the normalized one, as long as that": {
    inputs: [numbers([2, 4, 4]), weights([4, 1]), weights([4, 1], 3)],
    outputs: [["float32", 3]],
  },
})

agree("Clip", {
  "bounds that change places": { inputs: [numbers([9]), one(1), one(-1)], outputs: [["float32", 1]] },
})

const crop = [text("coordinate_transformation_mode", "tf_crop_and_resize")]
const region = stored(of("float32", [8], [0, 0, -0.3, 0.1, 1, 1, 1.1, 0.9]))
agree(
  "Resize",
  Object.fromEntries(
    ["nearest", "linear", "cubic"].map((mode) => [
      `${mode}, a crop that ends beyond the image by less than a pixel`,
      {
        attributes: [...crop, text("mode", mode)],
        inputs: [numbers([1, 1, 4, 4]), region, null, list([1, 1, 5, 5])],
        outputs: [["float32", 4]],
      },
    ]),
  ),
)
for (const [operator, opset] of [["Resize", 10], ["Upsample", 9]] as const) // biome-ignore format: a table
  agree(operator, {
    [`nearest, of opset ${opset}`]: {
      attributes: [text("mode", "nearest")],
      inputs: [numbers([1, 2, 4, 5]), stored(of("float32", [4], [1, 1, 3, 1.5]))],
      outputs: [["float32", 4]],
      opset,
    },
    [`linear, of opset ${opset}`]: {
      attributes: [text("mode", "linear")],
      inputs: [numbers([1, 2, 4, 5]), stored(of("float32", [4], [1, 1, 2, 2]))],
      outputs: [["float32", 4]],
      opset,
    },
  })

const [FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64] = [1, 2, 3, 4, 5, 6, 7]
/** The operator's numbers, and what follows from them: a graph's outputs alone would be narrowed anyway. */
const ofWidth = (operator: string, a: Input, b: Input): Graph => ({
  nodes: [node(operator, ["a", "b"], "c"), node("Cast", ["c"], "y", [int("to", FLOAT)])],
  inputs: { a, b },
  outputs: { y: ["float32", 1] },
})
const bytes = [of("uint8", [4], [200, 1, 255, 3]), of("uint8", [4], [100, 2, 1, 5])] as const
const signed = [of("int8", [4], [100, -100, 127, -128]), of("int8", [4], [-100, 101, 2, -1])] as const
const cast = (from: "int32" | "uint32" | "int64", to: number): Graph => ({
  nodes: [node("Cast", ["x"], "a", [int("to", to)]), node("Cast", ["a"], "y", [int("to", INT32)])],
  inputs: { x: of(from, [6], [1, from === "uint32" ? 2 ** 32 - 1 : -1, 200, 40_000, 70_000, 129]) },
  outputs: { y: ["int32", 1] },
})
agreeOn("whole numbers of 8 and 16 bits", {
  "unsigned sums": ofWidth("Add", ...bytes),
  "unsigned differences": ofWidth("Sub", ...bytes),
  "unsigned products": ofWidth("Mul", ...bytes),
  "signed sums": ofWidth("Add", ...signed),
  "signed differences": ofWidth("Sub", ...signed),
  "signed products": ofWidth("Mul", ...signed),
  "to uint8": cast("int32", UINT8),
  "to int8": cast("int64", INT8),
  "to uint16": cast("int64", UINT16),
  "to int16": cast("uint32", INT16),
  "scattered sums": {
    nodes: [
      node("ScatterElements", ["x", "places", "updates"], "a", [text("reduction", "add")]),
      node("Cast", ["a"], "y", [int("to", INT32)]),
    ],
    inputs: { x: of("uint8", [3], [250, 5, 3]), places: list([0, -1]), updates: of("uint8", [2], [10, 20]) },
    outputs: { y: ["int32", 1] },
  },
})

/** x [2, 4] normalized as frameworks write it, with weights of these shapes. */
const layerNorm = (w: number[], bias: number[]): Graph => ({
  nodes: [
    node("ReduceMean", ["x", "axes"], "mean"),
    node("Sub", ["x", "mean"], "centred"),
    node("Pow", ["centred", "two"], "square"),
    node("ReduceMean", ["square", "axes"], "variance"),
    node("Add", ["variance", "eps"], "shifted"),
    node("Sqrt", ["shifted"], "deviation"),
    node("Div", ["centred", "deviation"], "even"),
    node("Mul", ["even", "w"], "scaled"),
    node("Add", ["scaled", "b"], "y"),
  ],
  inputs: { x: numbers([2, 4]), axes: list([-1]), two: one(2), eps: one(1e-5), w: weights(w), b: weights(bias, 3) },
  outputs: { y: ["float32", Math.max(2, w.length, bias.length)] },
})
agreeOn("a fused normalization", {
  "whose weights have more axes than what they scale": layerNorm([1, 1, 4], [4]),
  "whose bias has more axes than what it moves": layerNorm([4], [1, 1, 4]),
})

agreeOn("a convolution and what follows it", {
  "a Clip whose bounds change places": {
    nodes: [node("Conv", ["x", "w"], "c"), node("Clip", ["c", "low", "high"], "y")],
    inputs: { x: numbers([1, 1, 4, 4]), w: weights([1, 1, 2, 2]), low: one(1), high: one(-1) },
    outputs: { y: ["float32", 4] },
  },
})

agreeOn("sizes", {
  "that a product of float32 rounds up to a whole number": {
    nodes: [
      node("Shape", ["x"], "shape"),
      node("Cast", ["shape"], "old", [int("to", FLOAT)]),
      node("Mul", ["old", "scale"], "exact"),
      node("Floor", ["exact"], "floor"),
      node("Cast", ["floor"], "size", [int("to", INT64)]),
      node("Expand", ["one", "size"], "y"),
    ],
    inputs: { x: numbers([10]), scale: one(0.7), one: one(1, [1]) },
    outputs: { y: ["float32", 1] },
  },
})

// onnxruntime-node gives other numbers, which are off by a part of the running mean.
describe("BatchNormalization in training", () => {
  test("goes by the batch also behind a convolution, whose weights do not take in what is stored", async () => {
    const graph: Graph = {
      nodes: [
        node("Conv", ["x", "w"], "c"),
        { opType: "BatchNormalization", input: ["c", "scale", "shift", "mean", "variance"], output: ["y", "m", "v"], attribute: [int("training_mode", 1), float("epsilon", 1e-9)] }, // biome-ignore format: a node
      ],
      inputs: {
        x: numbers([2, 2, 4, 4]),
        w: weights([3, 2, 2, 2]),
        scale: stored(of("float32", [3], [1, 2, 3])),
        shift: stored(of("float32", [3], [-1, 0, 5])),
        mean: weights([3], 3),
        variance: stored(tensor("float32", [3], 1, 2)),
      },
      outputs: { y: ["float32", 4], m: ["float32", 1], v: ["float32", 1] },
    }
    const { y } = await computed(runtime(), graph)
    for (const [channel, [scale, shift]] of [
      [1, -1],
      [2, 0],
      [3, 5],
    ].entries()) {
      // biome-ignore format: pairs
      const own = Array.from(y!.data as Float32Array).filter((_, i) => Math.floor(i / 9) % 3 === channel)
      const mean = own.reduce((sum, x) => sum + x, 0) / own.length
      const variance = own.reduce((sum, x) => sum + (x - mean) ** 2, 0) / own.length
      expect(mean).toBeCloseTo(shift!, 4)
      expect(Math.sqrt(variance)).toBeCloseTo(scale!, 4)
    }
  })
})
