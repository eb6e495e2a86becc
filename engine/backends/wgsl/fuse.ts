import { create } from "@bufbuild/protobuf"
import { AttributeProtoSchema, NodeProtoSchema } from "../../../graph/generated/onnx_pb.js"
import type { AttributeProto, GraphProto, NodeProto } from "../../../graph/index.ts"
import { float16Bits, float16Value } from "../../../protocol/index.ts"

/** A node as exporters write it, with what it takes. */
interface Pattern {
  readonly operator: string
  readonly inputs: readonly Part[]
}
/** What a node of a pattern takes: a name stands for any tensor, the same wherever it is, a number for one that is known, and a list for either of several. */
type Part = Pattern | string | number | readonly Part[]

const op = (operator: string, ...inputs: Part[]): Pattern => ({ operator, inputs })
const inEitherOrder = new Set(["Add", "Mul"])
const isList = (part: Part): part is readonly Part[] => Array.isArray(part)

const mean = op("ReduceMean", "x")
const centred = op("Sub", "x", mean)
const square = (of: Part) => [op("Mul", of, of), op("Pow", of, 2)]
const deviation = (of: Part) => op("Sqrt", op("Add", op("ReduceMean", square(of)), "eps"))
const scaled = op("Mul", op("Reciprocal", deviation(centred)), "weights")

/** (x − mean) / √(variance + eps) · weights + bias, as frameworks write it; without the mean, x / √(mean of x² + eps) · weights. */
const layerNorm = [
  op("Add", op("Mul", op("Div", centred, deviation(centred)), "weights"), "bias"),
  op("Add", op("Mul", "x", scaled), op("Sub", "bias", op("Mul", mean, scaled))),
]
const evened = [
  op("Div", "x", deviation("x")),
  op("Mul", "x", [op("Div", 1, deviation("x")), op("Reciprocal", deviation("x"))]),
]
const rmsNorm = [op("Mul", evened, "weights")]

const silu = [op("Mul", "x", op("Sigmoid", "x"))]

/** A product of three, in whatever order. */
const product = (a: Part, b: Part, c: Part) => [
  op("Mul", op("Mul", a, b), c),
  op("Mul", op("Mul", a, c), b),
  op("Mul", op("Mul", b, c), a),
]
/** x/2 · (1 + erf(x/√2)), and with tanh(√(2/π)·(x + 0.044715·x³)) in the place of erf. */
const gelu = (shape: Part) => product("x", 0.5, op("Add", shape, 1))
const STEEPNESS = Math.sqrt(2 / Math.PI)
const byErf = gelu(op("Erf", [op("Div", "x", Math.SQRT2), op("Mul", "x", Math.SQRT1_2)]))
const byTanh = gelu(
  op("Tanh", [
    op("Mul", op("Add", "x", op("Mul", [op("Pow", "x", 3), op("Mul", "x", op("Mul", "x", "x"))], 0.044715)), STEEPNESS),
    ...product("x", STEEPNESS, op("Add", product("x", "x", 0.044715), 1)),
  ]),
)
/** What embeddings are divided by. */
const length = [op("Sqrt", op("ReduceSum", op("Mul", "x", "x"), "axes"))]

/** What the fusions must know of a graph's tensors. */
export interface Known {
  /** Elements that follow from the model alone. */
  elements(name: string): ArrayLike<number> | undefined
  /** Empty where it is not known. */
  shape(name: string): readonly (number | null)[]
}

/** The nodes of `graph`, where those that make up a normalization, a SiLU, a GELU or a length are one. */
export function fuse(graph: GraphProto, known: Known): NodeProto[] {
  const fusion = new Fusion(graph, known)
  fusion.normalization(layerNorm, "LayerNormalization", ["x", "weights", "bias"])
  fusion.normalization(rmsNorm, "RMSNormalization", ["x", "weights"])
  fusion.replace(silu, "Swish", ["x"], () => [])
  fusion.gelu(byErf, "none")
  fusion.gelu(byTanh, "tanh")
  fusion.replace(length, "ReduceL2", ["x", "axes"], ({ names }) => {
    const axes = known.elements(names.get("axes")!)
    // Until opset 18 an attribute, then an input.
    return axes?.length
      ? [create(AttributeProtoSchema, { name: "axes", type: 7, ints: Array.from(axes, BigInt) })]
      : undefined
  })
  return fusion.nodes
}

class Fusion {
  nodes: NodeProto[]
  readonly #known: Known
  readonly #outputs: ReadonlySet<string>

  constructor({ node, output }: GraphProto, known: Known) {
    this.nodes = [...node]
    this.#known = known
    this.#outputs = new Set(output.map(({ name }) => name))
  }

  normalization(patterns: readonly Pattern[], operator: string, inputs: readonly string[]): void {
    this.replace(patterns, operator, inputs, ({ names, nodes }) => {
      const eps = this.#known.elements(names.get("eps")!)
      if (eps?.length !== 1 || !this.#alongLastAxis(names, nodes)) return undefined
      return [create(AttributeProtoSchema, { name: "epsilon", type: 1, f: eps[0]! })]
    })
  }

  gelu(patterns: readonly Pattern[], approximate: "none" | "tanh"): void {
    this.replace(patterns, "Gelu", ["x"], ({ names, nodes }) => {
      // A number may have more axes than what it meets.
      const axes = this.#known.shape(names.get("x")!).length
      const isPlain = axes > 0 && [...nodes].every(({ output }) => this.#known.shape(output[0]!).length === axes)
      const s = new TextEncoder().encode(approximate)
      return isPlain ? [create(AttributeProtoSchema, { name: "approximate", type: 3, s })] : undefined
    })
  }

  /** One node of `operator` in the place of those of one of `patterns`, where `attributes` gives what it is to have. */
  replace(
    patterns: readonly Pattern[],
    operator: string,
    inputs: readonly string[],
    attributes: (found: Match) => AttributeProto[] | undefined,
  ): void {
    const makers = new Map(
      this.nodes.flatMap((node) => node.output.filter(Boolean).map((name) => [name, node] as const)),
    )
    const gone = new Set<NodeProto>()
    this.nodes = this.nodes.map((node) => {
      const [found] = this.#match(node.output[0]!, patterns, { names: new Map(), nodes: new Set() }, makers)
      if (!found) return node
      const inner = new Set([...found.nodes].filter((one) => one !== node))
      const attribute = this.#isInner(inner, node) ? attributes(found) : undefined
      if (!attribute) return node
      for (const one of inner) gone.add(one)
      return create(NodeProtoSchema, {
        opType: operator,
        name: node.name,
        input: inputs.map((name) => found.names.get(name)!),
        output: node.output,
        attribute,
      })
    })
    this.nodes = this.nodes.filter((node) => !gone.has(node))
  }

  /** The means are along x's last axis, which they keep, and weights go with that axis. */
  #alongLastAxis(names: Match["names"], nodes: Match["nodes"]): boolean {
    const shape = this.#known.shape(names.get("x")!)
    const means = [...nodes].filter(({ opType }) => opType === "ReduceMean")
    const flat = ["weights", "bias"].every((part) => {
      const name = names.get(part)
      const own = name === undefined ? [] : this.#known.shape(name)
      return own.slice(0, -1).every((dim) => dim === 1)
    })
    return (
      flat &&
      shape.length > 0 &&
      means.every(({ output }) => this.#known.shape(output[0]!).join() === shape.with(-1, 1).join())
    )
  }

  /** All ways in which the tensor `name` is `part`, given what was found already. */
  #match(name: string, part: Part, before: Match, makers: Makers): Match[] {
    if (typeof part === "number") return this.#isNumber(name, part) ? [before] : []
    if (typeof part === "string") {
      const known = before.names.get(part)
      if (known === undefined) return [{ ...before, names: new Map([...before.names, [part, name]]) }]
      return known === name ? [before] : []
    }
    if (isList(part)) return part.flatMap((one) => this.#match(name, one, before, makers))
    const { operator, inputs } = part
    const node = makers.get(name)
    if (node?.opType !== operator || node.input.length < inputs.length) return []
    const orders = inEitherOrder.has(operator) ? [inputs, inputs.toReversed()] : [inputs]
    const start = { ...before, nodes: new Set([...before.nodes, node]) }
    return orders.flatMap((order) =>
      order.reduce<Match[]>(
        (ways, input, i) => ways.flatMap((way) => this.#match(node.input[i]!, input, way, makers)),
        [start],
      ),
    )
  }

  /** Whether `name` is nothing but `number`, as float32 or float16 has it. */
  #isNumber(name: string, number: number): boolean {
    const [value, ...others] = Array.from(this.#known.elements(name) ?? [])
    if (value === undefined || others.length > 0) return false
    return Math.abs(value - number) <= 1e-6 * Math.abs(number) || value === float16Value(float16Bits(number))
  }

  /** Whether nothing but `last` and each other uses what `inner` make. */
  #isInner(inner: ReadonlySet<NodeProto>, last: NodeProto): boolean {
    const made = new Set([...inner].flatMap(({ output }) => output))
    if ([...made].some((name) => this.#outputs.has(name))) return false
    return this.nodes.every((node) => node === last || inner.has(node) || !node.input.some((name) => made.has(name)))
  }
}

type Makers = ReadonlyMap<string, NodeProto>

interface Match {
  /** What the pattern's names stand for. */
  readonly names: ReadonlyMap<string, string>
  readonly nodes: ReadonlySet<NodeProto>
}
