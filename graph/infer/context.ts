import type { AttributeProto, GraphProto, NodeProto, TensorProto } from "../generated/onnx_pb.js"
import { invalid } from "../refuse.ts"
import type { Cost, RunGraph } from "./operator.ts"
import { type Dim, type Shape, type Value, value } from "./value.ts"

/** One node as an operator's definition sees it: inputs, attributes, and refusal with the node's path. */
export class NodeContext {
  readonly node: NodeProto
  readonly path: string
  /** Version of the operator's domain. */
  readonly opset: number
  readonly inputs: readonly (Value | undefined)[]
  /** What graphs within the node cost, where an operator charged it. */
  inner: Cost | undefined
  readonly #attributes: ReadonlyMap<string, AttributeProto>
  readonly #run: RunGraph

  constructor(
    node: NodeProto,
    path: string,
    opset: number,
    inputs: readonly (Value | undefined)[],
    attributes: ReadonlyMap<string, AttributeProto>,
    run: RunGraph,
  ) {
    this.node = node
    this.path = path
    this.opset = opset
    this.inputs = inputs
    this.#attributes = attributes
    this.#run = run
  }

  refusal(expected: string): Error {
    return invalid(`${this.path} (${this.node.opType.slice(0, 80)})`, expected)
  }

  /** Input `i`, which the operator requires. */
  input(i: number): Value {
    const v = this.inputs[i]
    if (!v) throw this.refusal(`an input ${i}`)
    return v
  }

  /** Elements of input `i` where all are known whole numbers; undefined where it is left out or unknown. */
  knownInts(i: number): number[] | undefined {
    const data = this.inputs[i]?.data
    if (!data?.every((x) => x !== null && Number.isInteger(x))) return undefined
    return data as number[]
  }

  knownNumbers(i: number): number[] | undefined {
    const data = this.inputs[i]?.data
    return data?.every((x) => x !== null) ? (data as number[]) : undefined
  }

  has(name: string): boolean {
    return this.#attributes.has(name)
  }
  int(name: string, or: number): number {
    const a = this.#attributes.get(name)
    return a ? Number(a.i) : or
  }
  ints(name: string): number[] | undefined {
    return this.#attributes.get(name)?.ints.map(Number)
  }
  floats(name: string): number[] | undefined {
    return this.#attributes.get(name)?.floats
  }
  string(name: string, or: string): string {
    const a = this.#attributes.get(name)
    return a ? new TextDecoder().decode(a.s) : or
  }
  attribute(name: string): AttributeProto | undefined {
    return this.#attributes.get(name)
  }
  tensor(name: string): TensorProto | undefined {
    return this.#attributes.get(name)?.t
  }

  /** Runs the graph in attribute `name`. */
  runGraph(name: string, inputs: readonly Value[] = []): { outputs: Value[]; cost: Cost } {
    const graph: GraphProto | undefined = this.#attributes.get(name)?.g
    if (!graph) throw this.refusal(`a graph ${name}`)
    return this.#run(graph, `${this.path}.${name}`, inputs)
  }

  /** `axis` counted from the front; refused where a tensor of `rank` has none such. */
  axis(axis: number, rank: number): number {
    const a = axis < 0 ? axis + rank : axis
    if (!Number.isInteger(a) || a < 0 || a >= rank)
      throw this.refusal(`an axis of a tensor of rank ${rank}, not ${axis}`)
    return a
  }

  /** Refuses an input of the wrong rank; false where its rank is unknown. */
  isRank(v: Value, least: number, most = Number.POSITIVE_INFINITY): v is Value & { shape: readonly Dim[] } {
    if (!v.shape) return false
    if (v.shape.length < least || v.shape.length > most) {
      throw this.refusal(`a tensor of rank ${least}${most === least ? "" : " or more"}, not ${v.shape.length}`)
    }
    return true
  }

  /** The shape that `shapes` broadcast to (ONNX: numpy's rule). */
  broadcast(...shapes: readonly Shape[]): Shape {
    if (shapes.some((s) => !s)) return null
    const rank = Math.max(...shapes.map((s) => s!.length))
    return Array.from({ length: rank }, (_, i) => {
      let dim: Dim = 1
      let unknown = false
      for (const s of shapes as readonly (readonly Dim[])[]) {
        const d = i < rank - s.length ? 1 : s[i - (rank - s.length)]!
        if (d === null) unknown = true
        else if (d !== 1) {
          if (dim !== 1 && dim !== d) throw this.refusal(`shapes that broadcast, not ${shapes.map(show).join(" and ")}`)
          dim = d
        }
      }
      // An unknown dimension beside one that isn't 1 can only be that one, or 1.
      return unknown && dim === 1 ? null : dim
    })
  }

  /** An output of the first input's element type. */
  like(shape: Shape, data?: readonly (number | null)[]): Value {
    return value(this.input(0).elem, shape, data)
  }
}

export const show = (shape: Shape): string => (shape ? `[${shape.map((d) => d ?? "?").join(", ")}]` : "[…]")
