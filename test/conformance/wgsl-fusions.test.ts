import type { Dtype } from "../../protocol/index.ts"
import { float, type Graph, type Input, int, ints, of, onOneDevice, stored, tensor, text } from "./single-node.ts"

// What exporters write as several nodes and we compute as one; and what only looks like it, which stays as it is.
const { agreeBy } = onOneDevice()

type Node = Graph["nodes"][number]
const node = (opType: string, input: string[], output: string, attribute: Node["attribute"] = []): Node => ({ opType, input, output: [output], attribute }) // biome-ignore format: a line
const numbers = (shape: number[], seed = 1) => tensor("float32", shape, -2, 2, seed)
const weights = (shape: number[], seed = 2) => stored(numbers(shape, seed))
const one = (value: number, shape: number[] = []) => stored(of("float32", shape, [value]))
const list = (numbers: number[]) => stored(of("int64", [numbers.length], numbers))

interface Given {
  nodes: Node[]
  kernels: string[]
  inputs?: Record<string, Input>
  outputs?: Graph["outputs"]
}
/** What GELUs are written with. */
const constants = {
  x: numbers([3, 50]),
  half: one(0.5),
  one: one(1),
  three: one(3),
  root: one(Math.SQRT2),
  inverse: one(Math.SQRT1_2),
  steep: one(Math.sqrt(2 / Math.PI)),
  bend: one(0.044715),
}
const gelu = ({ nodes, kernels, inputs = {}, outputs = {} }: Given) => {
  const all: Record<string, Input> = { ...constants, ...inputs }
  const used = Object.entries(all).filter(([name]) => nodes.some(({ input }) => input.includes(name)))
  const y: Graph["outputs"] = { y: ["float32", 2], ...outputs }
  return { nodes, inputs: Object.fromEntries(used), outputs: y, kernels }
}
const erf = (operator: "Div" | "Mul" = "Div", by = "root") => [
  node(operator, ["x", by], "scaled"),
  node("Erf", ["scaled"], "erf"),
  node("Add", ["erf", "one"], "sum"),
]
const last = (a: string, b: string, c: string) => [node("Mul", [a, b], "part"), node("Mul", ["part", c], "y")]
const tanh = [
  node("Pow", ["x", "three"], "cube"),
  node("Mul", ["bend", "cube"], "bent"),
  node("Add", ["x", "bent"], "bowed"),
  node("Mul", ["bowed", "steep"], "slope"),
  node("Tanh", ["slope"], "tanh"),
  node("Add", ["one", "tanh"], "sum"),
]
const factored = [
  node("Mul", ["x", "bend"], "bent"),
  node("Mul", ["bent", "x"], "bow"),
  node("Add", ["bow", "one"], "factor"),
  node("Mul", ["x", "steep"], "steeper"),
  node("Mul", ["steeper", "factor"], "slope"),
  ...tanh.slice(4),
]
const plainErf = ["div", "erf", "add", "mul", "mul"]

agreeBy("GELU", {
  "by erf, x times it, halved": gelu({ nodes: [...erf(), ...last("x", "sum", "half")], kernels: ["gelu"] }),
  "by erf, half of x first": gelu({
    nodes: [...erf("Mul", "inverse"), ...last("half", "x", "sum")],
    kernels: ["gelu"],
  }),
  "by erf, half of the sum first": gelu({ nodes: [...erf(), ...last("sum", "half", "x")], kernels: ["gelu"] }),
  "by tanh and a power": gelu({ nodes: [...tanh, ...last("half", "x", "sum")], kernels: ["gelu"] }),
  "by tanh and products": gelu({
    nodes: [node("Mul", ["x", "x"], "square"), node("Mul", ["square", "x"], "cube"), ...tanh.slice(1), ...last("x", "sum", "half")], // biome-ignore format: a line
    kernels: ["gelu"],
  }),
  "by tanh, factored": gelu({ nodes: [...factored, ...last("half", "x", "sum")], kernels: ["gelu"] }),
  "but one of another width": gelu({
    nodes: [...erf(), ...last("x", "sum", "half")],
    inputs: { root: one(1.4) },
    kernels: plainErf,
  }),
  "but one of another bend": gelu({
    nodes: [...tanh, ...last("half", "x", "sum")],
    inputs: { bend: one(0.0447) },
    kernels: ["pow", "mul", "add", "mul", "tanh", "add", "mul", "mul"],
  }),
  "but one by what is computed": gelu({
    nodes: [...erf(), ...last("x", "sum", "half")],
    inputs: { half: of("float32", [], [0.5]) },
    kernels: plainErf,
  }),
  "but one of two tensors": gelu({
    nodes: [...erf(), ...last("z", "sum", "half")],
    inputs: { z: numbers([3, 50], 2) },
    kernels: plainErf,
  }),
  "but one whose numbers add axes": gelu({
    nodes: [...erf(), ...last("x", "sum", "half")],
    inputs: { half: one(0.5, [1, 1, 1]) },
    outputs: { y: ["float32", 3] },
    kernels: plainErf,
  }),
  "but one of which a part is used elsewhere": gelu({
    nodes: [...erf(), ...last("x", "sum", "half"), node("Exp", ["erf"], "z")],
    outputs: { z: ["float32", 2] },
    kernels: [...plainErf, "exp"],
  }),
  "but one of which a part is an output": gelu({
    nodes: [...erf(), ...last("x", "sum", "half")],
    outputs: { erf: ["float32", 2] },
    kernels: plainErf,
  }),
})

const root = [
  node("Pow", ["x", "two"], "squares"),
  node("ReduceMean", ["squares", "axes"], "mean"),
  node("Add", ["mean", "eps"], "shifted"),
  node("Sqrt", ["shifted"], "root"),
]
const evened = [node("Div", ["one", "root"], "scale"), node("Mul", ["x", "scale"], "even")]
const weighted = node("Mul", ["w", "even"], "y")
const rows = { x: numbers([2, 4, 4]), two: one(2), one: one(1), eps: one(1e-5), w: weights([4]), axes: list([-1]) }
const cube: Graph["outputs"] = { y: ["float32", 3] }
const inSteps = ["mul", "reduce-mean", "add", "sqrt"]
const rmsNorm = (nodes: Node[], kernels: string[], inputs: Record<string, Input> = {}, outputs = cube) => {
  const all = Object.entries({ ...rows, ...inputs }).filter(([name]) => nodes.some(({ input }) => input.includes(name)))
  return { nodes, inputs: Object.fromEntries(all), outputs, kernels }
}
agreeBy("an RMS normalization", {
  "by a quotient": rmsNorm([...root, node("Div", ["x", "root"], "even"), weighted], ["rms-norm"]),
  "by one over the root": rmsNorm([...root, ...evened, weighted], ["rms-norm"]),
  "by the root's reciprocal": rmsNorm(
    [...root, node("Reciprocal", ["root"], "scale"), node("Mul", ["scale", "x"], "even"), weighted],
    ["rms-norm"],
  ),
  "but one along another axis": rmsNorm([...root, ...evened, weighted], [...inSteps, "div", "mul", "mul"], {
    axes: list([1]),
  }),
  "but two over the root": rmsNorm([...root, ...evened, weighted], [...inSteps, "div", "mul", "mul"], { one: one(2) }),
  "but a power of three": rmsNorm([...root, ...evened, weighted], ["pow", ...inSteps.slice(1), "div", "mul", "mul"], {
    x: tensor("float32", [2, 4, 4], 0.5, 2),
    two: one(3),
  }),
  "but one of which a part is used elsewhere": rmsNorm(
    [...root, ...evened, weighted, node("Exp", ["scale"], "z")],
    [...inSteps, "div", "mul", "mul", "exp"],
    {},
    { ...cube, z: ["float32", 3] },
  ),
})

const activations = {
  LeakyRelu: [float("alpha", 0.2)],
  Tanh: [],
  HardSwish: [],
  Gelu: [],
  "Gelu by tanh": [text("approximate", "tanh")],
}
const product = [node("MatMul", ["x", "w"], "m"), node("Add", ["m", "b"], "sum")]
const matrices = { x: numbers([6, 40]), w: weights([40, 9]), b: weights([9], 3) }
const y: Graph["outputs"] = { y: ["float32", 2] }
const image = { x: numbers([1, 5, 6, 7]), w: weights([4, 5, 3, 3]) }

for (const [name, attribute] of Object.entries(activations)) {
  const [operator] = name.split(" ") as [string]
  agreeBy(`${name} of what was just made`, {
    "a product and its bias": {
      nodes: [...product, node(operator, ["sum"], "y", attribute)],
      inputs: matrices,
      outputs: y,
      kernels: ["matmul"],
    },
    "a convolution": {
      nodes: [node("Conv", ["x", "w"], "c"), node(operator, ["c"], "y", attribute)],
      inputs: image,
      outputs: { y: ["float32", 4] },
      kernels: ["conv2d"],
    },
  })
}

const twice = { ...matrices, shape: list([2, 3, 9]), axes: list([0]) }
const reshapes = [node("Reshape", ["sum", "shape"], "r"), node("Unsqueeze", ["r", "axes"], "u")]
const planes = { ...image, shape: list([4, 20]), z: numbers([4, 20], 5) }
agreeBy("what was just made, in another shape", {
  "goes through what follows": {
    nodes: [...product, ...reshapes, node("Tanh", ["u"], "y")],
    inputs: twice,
    outputs: { y: ["float32", 4] },
    kernels: ["matmul"],
  },
  "is kept as it was where that is used, too": {
    nodes: [...product, ...reshapes, node("Tanh", ["u"], "y"), node("Exp", ["r"], "z")],
    inputs: twice,
    outputs: { y: ["float32", 4], z: ["float32", 3] },
    kernels: ["matmul", "tanh", "exp"],
  },
  "is kept as it was where that is an output": {
    nodes: [...product, ...reshapes, node("Tanh", ["u"], "y")],
    inputs: twice,
    outputs: { y: ["float32", 4], r: ["float32", 3] },
    kernels: ["matmul", "tanh"],
  },
  "meets what has that shape in a step of its own": {
    nodes: [
      node("Conv", ["x", "w"], "c"),
      node("Reshape", ["c", "shape"], "r"),
      node("Tanh", ["r"], "t"),
      node("Add", ["t", "z"], "y"),
    ],
    inputs: planes,
    outputs: y,
    kernels: ["conv2d", "add"],
  },
})

const heads = [2, 3] as const
const tokens = { q: numbers([...heads, 5, 8], 1), k: numbers([...heads, 7, 8], 2), v: numbers([...heads, 7, 6], 3) }
const scores = node("MatMul", ["q", "kt"], "s")
const turned = (perm = [0, 1, 3, 2]) => node("Transpose", ["k"], "kt", [ints("perm", perm)])
const shares = (input: string, output = "p", axis = -1) => node("Softmax", [input], output, [int("axis", axis)])
const values = node("MatMul", ["p", "v"], "y")
const written = (
  nodes: Node[],
  kernels: string[],
  inputs: Record<string, Input> = {},
  outputs: Graph["outputs"] = {},
) => {
  const all = Object.entries({ ...tokens, eighth: one(0.125), eight: one(8), ...inputs })
  const used = all.filter(([name]) => nodes.some(({ input }) => input.includes(name)))
  return {
    nodes,
    inputs: Object.fromEntries(used),
    outputs: { y: ["float32", 4] as [Dtype, number], ...outputs },
    kernels,
  }
}
const plain = [turned(), scores, shares("s"), values]
const multiplied = [turned(), scores, node("Mul", ["s", "eighth"], "m"), shares("m"), values]
const divided = node("Div", ["s", "eight"], "m")
const masked = [turned(), scores, divided, node("Add", ["m", "mask"], "a"), shares("a"), values]
const FAR = -3.4e38
/** The second query sees nothing: all keys have the same share then. */
const hiding = stored(of("float32", [5, 7], Array.from({ length: 35 }, (_, i) => (i < 14 && i > 6 ? FAR : i % 3 ? 0.5 : FAR)))) // biome-ignore format: a mask
const few = { k: numbers([2, 1, 7, 8], 2), v: numbers([2, 1, 7, 6], 3) }
const repeat = (name: string) => [
  node("Unsqueeze", [name, "axis"], `${name}u`),
  node("Expand", [`${name}u`, `${name}w`], `${name}e`),
  node("Reshape", [`${name}e`, `${name}r`], `${name}a`),
]
const repeated = [
  ...repeat("k"),
  ...repeat("v"),
  node("Transpose", ["ka"], "kt", [ints("perm", [0, 1, 3, 2])]),
  ...multiplied.slice(1, -1),
  node("MatMul", ["p", "va"], "y"),
]
/** Two heads of keys and of values for six of queries. */
const grouped = {
  q: numbers([2, 6, 5, 8]),
  k: numbers([2, 2, 7, 8], 2),
  v: numbers([2, 2, 7, 6], 3),
  axis: list([2]),
  kw: list([2, 2, 3, 7, 8]),
  vw: list([2, 2, 3, 7, 6]),
  kr: list([2, 6, 7, 8]),
  vr: list([2, 6, 7, 6]),
}
/** The number goes with the product before it. */
const asWritten = ["copy", "matmul", "add", "softmax", "matmul"]

agreeBy("attention of several nodes", {
  plain: written(plain, ["attention"]),
  "times a number": written(multiplied, ["attention"]),
  "over a number, and a mask that hides all from a query": written(masked, ["attention"], { mask: hiding }),
  "a mask that is computed, a part of each batch": written(
    [node("Neg", ["bias"], "mask"), ...masked],
    ["neg", "attention"],
    { bias: numbers([2, 1, 1, 7], 4) },
  ),
  "queries and keys that are scaled before": written(
    [
      node("Mul", ["q", "eighth"], "qs"),
      turned(),
      node("Mul", ["kt", "eighth"], "ks"),
      node("MatMul", ["qs", "ks"], "s"),
      ...plain.slice(2),
    ],
    ["attention"],
  ),
  "one head, with axes in front for the softmax": written(
    [
      node("Transpose", ["k"], "kt", [ints("perm", [1, 0])]),
      scores,
      node("Reshape", ["s", "four"], "f"),
      shares("f", "g"),
      node("Reshape", ["g", "two"], "p"),
      values,
    ],
    ["attention"],
    { q: numbers([5, 8]), k: numbers([7, 8], 2), v: numbers([7, 6], 3), four: list([1, 1, 5, 7]), two: list([5, 7]) },
    { y: ["float32", 2] },
  ),
  "keys turned twice, with a reshape between": written(
    [
      node("Transpose", ["k"], "t", [ints("perm", [0, 2, 1])]),
      node("Reshape", ["t", "two"], "u"),
      node("Transpose", ["u"], "w", [ints("perm", [1, 0])]),
      node("Transpose", ["w"], "kt", [ints("perm", [1, 0])]),
      ...plain.slice(1),
    ],
    ["attention"],
    { q: numbers([5, 8]), k: numbers([1, 7, 8], 2), v: numbers([7, 6], 3), two: list([8, 7]) },
    { y: ["float32", 2] },
  ),
  "keys whose heads are turned along with them": written(
    [turned([0, 2, 3, 1]), ...plain.slice(1)],
    ["copy", "attention"],
    { k: numbers([2, 7, 3, 8], 2) },
  ),
  "keys and values that several heads share": written(repeated, ["attention"], grouped),
  "but a softmax along another axis": written([turned(), scores, shares("s", "p", 2), values], ["copy", "matmul", "softmax", "matmul"]), // biome-ignore format: a line
  "but scores that are used elsewhere": written(
    [...masked, node("Exp", ["m"], "z")],
    [...asWritten, "exp"],
    { mask: hiding },
    { z: ["float32", 4] },
  ),
  "but shares that are an output": written(masked, asWritten, { mask: hiding }, { p: ["float32", 4] }),
  "but a mask that adds batches": written(
    masked,
    asWritten.toSpliced(-1, 0, "copy"),
    { mask: numbers([2, 2, 1, 5, 7], 4) },
    { y: ["float32", 5] },
  ),
  "but keys as columns already": written(plain.slice(1), ["matmul", "softmax", "matmul"], {
    kt: numbers([...heads, 8, 7], 2),
  }),
  "but a scale for each head": written(multiplied, ["copy", "matmul", "mul", "softmax", "matmul"], {
    eighth: weights([3, 1, 1]),
  }),
  "but one of keys for all heads, which is not repeated": written(
    plain,
    ["copy", "copy", "matmul", "softmax", "copy", "matmul"],
    few,
  ),
})

agreeBy("parts", {
  "of what was turned are turned once": {
    nodes: [
      node("Transpose", ["x"], "t"),
      { opType: "Split", input: ["t"], output: ["a", "b"], attribute: [int("axis", 0), int("num_outputs", 2)] },
      node("Exp", ["a"], "y"),
      node("Neg", ["b"], "z"),
    ],
    inputs: { x: numbers([64, 2]) },
    outputs: { ...y, z: ["float32", 2] },
    kernels: ["copy", "exp", "neg"],
  },
})

const width = 8
const angles = (shape: number[]) => ({ cos: numbers(shape, 5), sin: numbers(shape, 6) })
const cut = (x: string, from: number, to: number, output: string): Node => ({ opType: "Slice", input: [x, `n${from}`, `n${to}`, "last"], output: [output] }) // biome-ignore format: a line
const joined = (a: string, b: string, output: string) => node("Concat", [a, b], output, [int("axis", -1)])
/** Bounds that slices are written with, and what they are slices of. */
const rotary = (
  nodes: Node[],
  kernels: string[],
  inputs: Record<string, Input> = {},
  outputs: Graph["outputs"] = {},
) => {
  const bounds = Object.fromEntries([0, 3, 4, 6, 8, 10].map((bound) => [`n${bound}`, list([bound])]))
  const all = Object.entries({ x: numbers([2, 3, 5, width]), ...angles([2, 1, 5, width]), last: list([-1]), ...bounds, ...inputs }) // biome-ignore format: a line
  const isGiven = (name: string) => nodes.some(({ input }) => input.includes(name)) && !nodes.some(({ output }) => output.includes(name)) // biome-ignore format: a line
  const used = all.filter(([name]) => isGiven(name))
  const y: Graph["outputs"] = { y: ["float32", 4], ...outputs }
  return { nodes, inputs: Object.fromEntries(used), outputs: y, kernels }
}
const halves = (x = "x", middle = 4, end = width) => [cut(x, 0, middle, "a"), cut(x, middle, end, "b")]
const summed = (x = "x", output = "y") => [
  node("Mul", [x, "cos"], "kept"),
  node("Mul", ["turned", "sin"], "side"),
  node("Add", ["kept", "side"], output),
]
const rotatedBy = (nodes: Node[], x = "x", output = "y") => [
  ...nodes,
  node("Neg", ["b"], "minus"),
  joined("minus", "a", "turned"),
  ...summed(x, output),
]
const apart = (difference = "Sub", output = "y") => [
  node("Mul", ["a", "cos"], "ac"),
  node("Mul", ["sin", "b"], "bs"),
  node(difference, ["ac", "bs"], "first"),
  node("Mul", ["b", "cos"], "bc"),
  node("Mul", ["a", "sin"], "as"),
  node("Add", ["as", "bc"], "second"),
  joined("first", "second", output),
]
const wide = { x: numbers([2, 3, 5, 10]) }
const splitAt = (x: string, sizes: number[], output: string[]): Node => ({ opType: "Split", input: [x, `s${sizes}`], output, attribute: [int("axis", -1)] }) // biome-ignore format: a line
const sizes = (...each: number[][]) => Object.fromEntries(each.map((one) => [`s${one}`, list(one)]))

agreeBy("rotary embedding of several nodes", {
  "halves cut out, a column of the tables for each number": rotary(rotatedBy(halves()), ["rope"]),
  "halves that are a split, tables of one batch for all": rotary(
    rotatedBy([splitAt("x", [4, 4], ["a", "b"])]),
    ["rope"],
    { ...sizes([4, 4]), ...angles([1, 1, 5, width]) },
  ),
  "tokens in front of heads": rotary(rotatedBy(halves()), ["rope"], {
    x: numbers([2, 5, 3, width]),
    ...angles([2, 5, 1, width]),
  }),
  "tables that are computed": rotary([node("Neg", ["f"], "cos"), node("Abs", ["f"], "sin"), ...rotatedBy(halves())], ["neg", "abs", "rope"], { f: numbers([2, 1, 5, width], 5) }), // biome-ignore format: a line
  "the same angles for all tokens": rotary(rotatedBy(halves()), ["rope"], angles([1, 1, 1, width])),
  "halves turned one by one": rotary([...halves(), ...apart()], ["rope"], angles([2, 1, 5, 4])),
  "part of a head": rotary(
    [cut("x", 0, 6, "part"), cut("x", 6, 10, "rest"), ...rotatedBy(halves("part", 3, 6), "part", "p"), joined("p", "rest", "y")],
    ["rope"],
    { ...wide, ...angles([2, 1, 5, 6]) },
  ), // biome-ignore format: a graph
  "part of a head that is a split, halves turned one by one": rotary(
    [splitAt("x", [6, 4], ["part", "rest"]), ...halves("part", 3, 6), ...apart("Sub", "p"), joined("p", "rest", "y")],
    ["rope"],
    { ...wide, ...sizes([6, 4]), ...angles([2, 1, 5, 3]) },
  ),
  "but cut at another place": rotary(rotatedBy(halves("x", 3)), ["copy", "copy", "neg", "copy", "copy", "mul", "mul", "add"]), // biome-ignore format: a line
  "but the sign of the other half": rotary([...halves(), node("Neg", ["a"], "minus"), joined("b", "minus", "turned"), ...summed()], ["copy", "copy", "neg", "copy", "copy", "mul", "mul", "add"]), // biome-ignore format: a line
  "but halves in their own order": rotary([...halves(), node("Neg", ["a"], "minus"), joined("minus", "b", "turned"), ...summed()], ["copy", "copy", "neg", "copy", "copy", "mul", "mul", "add"]), // biome-ignore format: a line
  "but no sign": rotary([...halves(), joined("b", "a", "turned"), ...summed()], ["copy", "copy", "copy", "copy", "mul", "mul", "add"]), // biome-ignore format: a line
  "but other heads' halves": rotary(rotatedBy(halves("z")), ["copy", "copy", "neg", "copy", "copy", "mul", "mul", "add"], { z: numbers([2, 3, 5, width], 7) }), // biome-ignore format: a line
  "but what is turned is used elsewhere": rotary(
    [...rotatedBy(halves()), node("Exp", ["turned"], "z")],
    ["copy", "copy", "neg", "copy", "copy", "mul", "mul", "add", "exp"],
    {},
    { z: ["float32", 4] },
  ),
  "but a table for each head": rotary(rotatedBy(halves()), ["copy", "copy", "neg", "copy", "copy", "mul", "mul", "add"], angles([2, 3, 5, width])), // biome-ignore format: a line
  "but a table that adds batches": rotary(rotatedBy(halves()), ["copy", "copy", "neg", "copy", "copy", "mul", "mul", "add"], { x: numbers([1, 3, 5, width]) }), // biome-ignore format: a line
  "but halves of which both are sums": rotary([...halves(), ...apart("Add")], ["copy", "copy", "mul", "mul", "add", "mul", "mul", "add", "copy", "copy"], angles([2, 1, 5, 4])), // biome-ignore format: a line
  "but a part that is not the first": rotary(
    [cut("x", 4, 10, "part"), cut("x", 0, 4, "rest"), ...rotatedBy(halves("part", 3, 6), "part", "p"), joined("p", "rest", "y")],
    ["copy", "copy", "rope", "copy", "copy"],
    { ...wide, ...angles([2, 1, 5, 6]) },
  ), // biome-ignore format: a graph
})

const FLOAT = 1
const to = (type: number) => [int("to", type)]
const [INT8, INT32, INT64] = [3, 6, 7]
const thereAndBack = (type: number) => [node("Cast", ["x"], "cut", to(type)), node("Cast", ["cut"], "y", to(FLOAT))]
const fractions = { inputs: { x: numbers([3, 50]) }, outputs: { y: ["float32", 2] as ["float32", number] } }
agreeBy("whole numbers that become fractions again", {
  "as int64": { ...fractions, nodes: thereAndBack(INT64), kernels: ["cast"] },
  "in another shape between": {
    ...fractions,
    nodes: [
      node("Cast", ["x"], "cut", to(INT32)),
      node("Reshape", ["cut", "shape"], "flat"),
      node("Cast", ["flat"], "y", to(FLOAT)),
    ],
    inputs: { ...fractions.inputs, shape: list([50, 3]) },
    kernels: ["cast"],
  },
  "and are wanted too": {
    ...fractions,
    nodes: thereAndBack(INT32),
    outputs: { ...fractions.outputs, cut: ["int32", 2] },
    kernels: ["cast", "cast"],
  },
  "but of fewer bits": {
    ...fractions,
    nodes: thereAndBack(INT8),
    inputs: { x: tensor("float32", [3, 50], -120, 120) },
    kernels: ["cast", "add", "modulo", "sub", "cast"],
  },
})
