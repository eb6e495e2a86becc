import type { GpuTensor, Kernels } from "../../kernels/index.ts"
import { model, type Tiny, value } from "../../test/conformance/tiny-models.ts"

export type Float32 = GpuTensor<"float32">

/** A single operation: what our kernels and an ONNX runtime are both asked to compute. */
export interface OperationCase {
  name: string
  /** Folders of kernels/ops whose kernels it measures. */
  measures: readonly string[]
  /** Of the inputs, float32, by the names that they have in the model. */
  inputs: Record<string, number[]>
  /** Of the result, whose name is y. */
  output: number[]
  /** Operations, and bytes that can't be avoided: read once, written once. */
  flops: number
  bytes: number
  /** Held against what the adapter can do at most, too. */
  ofPeak?: boolean
  /** Other outputs of the model, each of them written over an input: a cache. */
  inPlace?: Record<string, string>
  model(): Uint8Array<ArrayBuffer>
  /** Puts on the device what it needs beside its inputs, in order; what comes back is a run of it, whose result is the caller's to destroy. */
  open(gpu: Kernels, inputs: Float32[]): () => Promise<Float32>
}

export const elems = (shape: readonly number[]) => shape.reduce((n, dim) => n * dim, 1)
const names = ["a", "b", "c"]

type Node = Pick<Tiny["nodes"][number], "opType" | "attribute" | "domain">
type Weights = NonNullable<Tiny["weights"]>

/** An operation as a model: a node, and what takes its result further. */
interface Declared extends Pick<OperationCase, "name" | "measures" | "output" | "flops"> {
  shapes: number[][]
  node: Node
  /** Inputs that don't change, behind those that do. */
  weights?: Weights
  /** What the node takes, by name, where it is in another order. */
  takes?: readonly string[]
  /** Outputs of the node ahead of the one that counts. */
  ahead?: readonly string[]
  after?: readonly Node[]
}

export function operation(
  { shapes, node, weights = [], takes, ahead = [], after = [], ...rest }: Declared,
  open: OperationCase["open"],
): OperationCase {
  const input = shapes.map((_, i) => names[i]!)
  const result = (at: number) => (at === after.length ? "y" : `y${at}`)
  const first = {
    ...node,
    input: [...(takes ?? [...input, ...weights.map(({ name }) => name)])],
    output: [...ahead, result(0)],
  }
  const others = after.map((one, i) => ({ ...one, input: [result(i)], output: [result(i + 1)] }))
  return {
    ...rest,
    inputs: Object.fromEntries(shapes.map((shape, i) => [input[i]!, shape])),
    bytes:
      4 * [...shapes, rest.output].reduce((sum, shape) => sum + elems(shape), 0) +
      weights.reduce((sum, { data }) => sum + data.byteLength, 0),
    model: () =>
      model({
        inputs: shapes.map((shape, i) => value(input[i]!, "float32", shape)),
        outputs: [value("y", "float32", rest.output)],
        nodes: [first, ...others],
        weights,
      }),
    open,
  }
}

/** What a run gives that takes nothing but its inputs. */
export const plainly =
  (run: (gpu: Kernels, inputs: Float32[]) => Promise<Float32>): OperationCase["open"] =>
  (gpu, inputs) =>
  () =>
    run(gpu, inputs)

// numbers of AttributeProto.AttributeType
const FLOAT = 1
const INT = 2
const STRING = 3
const INTS = 7
export const int = (name: string, i: number) => ({ name, type: INT, i: BigInt(i) })
export const ints = (name: string, list: number[]) => ({ name, type: INTS, ints: list.map(BigInt) })

export const float = (name: string, f: number) => ({ name, type: FLOAT, f })
export const text = (name: string, s: string) => ({ name, type: STRING, s: new TextEncoder().encode(s) })

/** Numbers that a model holds. */
export const floats = (name: string, dims: number[], list: readonly number[]) => ({
  name,
  dims,
  data: Float32Array.from(list),
})
export const int64s = (name: string, dims: number[], list: readonly number[]) => ({
  name,
  dims,
  data: new Uint8Array(BigInt64Array.from(list, BigInt).buffer),
  dtype: "int64" as const,
})
