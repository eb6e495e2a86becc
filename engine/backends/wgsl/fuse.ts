import { create } from "@bufbuild/protobuf"
import { AttributeProtoSchema, NodeProtoSchema } from "../../../graph/generated/onnx_pb.js"
import type { AttributeProto, GraphProto, NodeProto } from "../../../graph/index.ts"

/** A node as exporters write it, with what it takes; a name stands for any tensor, the same wherever it is. */
interface Pattern {
  readonly operator: string
  readonly inputs: readonly (Pattern | string)[]
}

const op = (operator: string, ...inputs: (Pattern | string)[]): Pattern => ({ operator, inputs })
const inEitherOrder = new Set(["Add", "Mul"])

const mean = op("ReduceMean", "x")
const centred = op("Sub", "x", mean)
const squares = (of: Pattern | string) => [op("Mul", of, of), op("Pow", of, "2")]
const deviation = (square: Pattern) => op("Sqrt", op("Add", op("ReduceMean", square), "eps"))
const scaled = (square: Pattern) => op("Mul", op("Reciprocal", deviation(square)), "weights")

/** (x − mean) / √(variance + eps) · weights + bias, as frameworks write it; without the mean, x / √(mean of x² + eps) · weights. */
const layerNorms = squares(centred).flatMap((square) => [
  op("Add", op("Mul", op("Div", centred, deviation(square)), "weights"), "bias"),
  op("Add", op("Mul", "x", scaled(square)), op("Sub", "bias", op("Mul", mean, scaled(square)))),
])
const rmsNorms = squares("x").map((square) => op("Mul", op("Div", "x", deviation(square)), "weights"))

const silu = op("Mul", "x", op("Sigmoid", "x"))
/** What embeddings are divided by. */
const length = op("Sqrt", op("ReduceSum", op("Mul", "x", "x"), "axes"))

/** What the fusions must know of a graph's tensors. */
export interface Known {
  /** Elements that follow from the model alone. */
  elements(name: string): ArrayLike<number> | undefined
  /** Empty where it is not known. */
  shape(name: string): readonly (number | null)[]
}

/** The nodes of `graph`, where those that make up a normalization, a SiLU or a length are one. */
export function fuse(graph: GraphProto, known: Known): NodeProto[] {
  const fusion = new Fusion(graph, known)
  for (const pattern of layerNorms) fusion.normalization(pattern, "LayerNormalization", ["x", "weights", "bias"])
  for (const pattern of rmsNorms) fusion.normalization(pattern, "RMSNormalization", ["x", "weights"])
  fusion.replace(silu, "Swish", ["x"], () => [])
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

  normalization(pattern: Pattern, operator: string, inputs: readonly string[]): void {
    this.replace(pattern, operator, inputs, ({ names, nodes }) => {
      const eps = this.#known.elements(names.get("eps")!)
      if (eps?.length !== 1 || !this.#alongLastAxis(names, nodes)) return undefined
      return [create(AttributeProtoSchema, { name: "epsilon", type: 1, f: eps[0]! })]
    })
  }

  /** One node of `operator` in the place of those of `pattern`, where `attributes` gives what it is to have. */
  replace(
    pattern: Pattern,
    operator: string,
    inputs: readonly string[],
    attributes: (found: Match) => AttributeProto[] | undefined,
  ): void {
    const makers = new Map(this.nodes.flatMap((node) => node.output.map((name) => [name, node] as const)))
    const gone = new Set<NodeProto>()
    this.nodes = this.nodes.map((node) => {
      const [found] = match(node, pattern, { names: new Map(), nodes: new Set() }, makers)
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

  /** The means are along x's last axis, which they keep; a power is a square; and weights go with that axis. */
  #alongLastAxis(names: Match["names"], nodes: Match["nodes"]): boolean {
    const shape = this.#known.shape(names.get("x")!)
    const means = [...nodes].filter(({ opType }) => opType === "ReduceMean")
    const square = names.get("2")
    const powers = square === undefined ? [2] : Array.from(this.#known.elements(square) ?? [])
    if (powers.length !== 1 || powers[0] !== 2) return false
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

/** All ways in which `node` is `pattern`, given what was found already. */
function match(node: NodeProto | undefined, { operator, inputs }: Pattern, before: Match, makers: Makers): Match[] {
  if (node?.opType !== operator || node.input.length < inputs.length) return []
  const orders = inEitherOrder.has(operator) ? [inputs, inputs.toReversed()] : [inputs]
  const start = { ...before, nodes: new Set([...before.nodes, node]) }
  const taken = (way: Match, input: Pattern | string, name: string): Match[] => {
    if (typeof input !== "string") return match(makers.get(name), input, way, makers)
    const known = way.names.get(input)
    if (known === undefined) return [{ ...way, names: new Map([...way.names, [input, name]]) }]
    return known === name ? [way] : []
  }
  return orders.flatMap((order) =>
    order.reduce<Match[]>((ways, input, i) => ways.flatMap((way) => taken(way, input, node.input[i]!)), [start]),
  )
}
