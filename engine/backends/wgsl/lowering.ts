import type { AttributeProto, InferredTensor, NodeProto, TensorProto } from "../../../graph/index.ts"
import {
  type AnyKernel,
  elems,
  type GpuDtype,
  type Kernel,
  type Limits,
  packedWords,
  prepare,
  reshaped,
  type Shape,
  type View,
  type Words,
  wholeView,
} from "../../../kernels/index.ts"
import { Constant } from "./constant.ts"
import type { Lowerable } from "./lowerable.ts"
import type { DraftOp, Room } from "./parts.ts"
import type { Value } from "./program.ts"
import { dequantized, type PackedGroups, type Quantized } from "./quantized.ts"
import { gpuDtype, isComputed, storedBytes, storedType, storedWords, wordsOf } from "./tensors.ts"
import { undecided, unsupported } from "./unsupported.ts"

/** How the nodes of some ONNX operators become dispatches. */
export interface Lowering {
  /** Of `ai.onnx`; of other domains as `domain:name`. */
  readonly operators: readonly string[]
  lower(node: NodeLowering): void
}

export function defineLowering(operators: string | readonly string[], lower: Lowering["lower"]): Lowering {
  return { operators: [operators].flat(), lower }
}

/** Operators whose result is their first input in another shape. */
export const reshapings = ["Reshape", "Flatten", "Squeeze", "Unsqueeze"]

interface Viewed {
  readonly source: Value
  readonly view: View
}

/** Turns nodes into ops over buffers, and knows which tensor of the graph is which value. */
export class GraphLowering {
  readonly limits: Limits
  readonly buffers: Room[] = []
  readonly ops: DraftOp[] = []
  /** Nodes that a node before them did along with its own work. */
  readonly done = new Set<NodeProto>()
  readonly #values = new Map<string, Value>()
  readonly #views = new Map<number, Viewed>()
  readonly #inferred: ReadonlyMap<string, InferredTensor>
  /** By buffer: what it is in float16, as the model stores it or in a buffer already. */
  readonly #halves = new Map<number, TensorProto | number>()
  readonly #quantized = new Map<number, Quantized>()
  /** By buffer: the two float32 tensors of its shape that it is the sum of. */
  readonly #sums = new Map<number, readonly [Value, Value]>()
  /** By buffer: the float32 tensor that it is the whole numbers of. */
  readonly #wholes = new Map<number, Value>()
  readonly #model: Lowerable

  constructor(model: Lowerable, inferred: ReadonlyMap<string, InferredTensor>, limits: Limits) {
    this.#model = model
    this.#inferred = inferred
    this.limits = limits
  }

  get opset(): number {
    return this.#model.opset
  }

  buffer(spec: Room): number {
    return this.buffers.push(spec) - 1
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value)
  }

  /** The tensor `name` as a value: computed already, stored in the model, or known from inference. */
  get(name: string): Value {
    const found = this.#values.get(name)
    if (found) return found
    const stored = this.#model.stored.get(name)
    const made = stored ? this.#storedValue(stored) : this.#knownValue(name)
    this.#values.set(name, made)
    return made
  }

  /** Stored float16 is offered as float32, which is made of it only where something is given that. */
  #storedValue(tensor: TensorProto): Value {
    const shape = tensor.dims.map(Number)
    const type = storedType(tensor)
    const buffer = this.buffer({ bytes: 4 * elems(shape), data: this.#model.words(tensor) })
    if (type === "float16") this.#halves.set(buffer, tensor)
    return { dtype: gpuDtype(type), shape, buffer }
  }

  /** Stored whole numbers are offered as float32, which is made of them only where something is given that. */
  dequantized(shape: Shape, source: Quantized): Value {
    const buffer = this.buffer({ bytes: 4 * elems(shape), data: new Constant(() => dequantized(source)) })
    this.#quantized.set(buffer, source)
    return { dtype: "float32", shape, buffer }
  }

  /** What `value` was dequantized from, where the model stores that. */
  quantized(value: Value): Quantized | undefined {
    return this.#quantized.get(value.buffer)
  }

  /** What `make` packs, as a value: `key` is its name among all that is packed for this model, and it is made once for all shapes of the inputs. */
  packed(key: string, make: () => PackedGroups | undefined) {
    const found = this.#model.packed(key, make)
    if (!found) return undefined
    const { format, shape, data } = found
    const count = packedWords(format, ...shape)
    const w: Value = { dtype: "uint32", shape: [count], buffer: this.buffer({ bytes: 4 * count, data }) }
    return { format, shape, w }
  }

  /** The buffer that has as float16 what `buffer` has as float32, where the model does. */
  half(buffer: number): number | undefined {
    const found = this.#halves.get(buffer)
    if (found === undefined || typeof found === "number") return found
    const words = Math.ceil(elems(found.dims.map(Number)) / 2)
    const half = this.buffer({ bytes: 4 * words, data: this.#model.halves(found) })
    this.#halves.set(buffer, half)
    return half
  }

  /** What `value` shows of another tensor, where it was copied from one and a view can say that in its shape, else all of itself. */
  viewed(value: Value): Viewed {
    const found = this.#views.get(value.buffer)
    const view = found && reshaped(found.view, value.shape)
    return view ? { source: found.source, view } : { source: value, view: wholeView(value.shape) }
  }

  /** What the elements of `value` were copied from, in the shape that they were copied in. */
  copiedFrom({ buffer }: Value): Viewed | undefined {
    const { within, bytes } = this.buffers[buffer]!
    const isAll = within?.at === 0 && this.buffers[within.buffer]!.bytes === bytes
    return this.#views.get(isAll ? within.buffer : buffer)
  }

  setView(value: Value, viewed: Viewed): void {
    this.#views.set(value.buffer, viewed)
  }

  setSum(value: Value, parts: readonly [Value, Value]): void {
    this.#sums.set(value.buffer, parts)
  }

  /** The two tensors of as many elements that `value` is the sum of, element by element. */
  sumOf(value: Value): readonly [Value, Value] | undefined {
    return this.#sums.get(value.buffer)
  }

  setWhole(value: Value, source: Value): void {
    this.#wholes.set(value.buffer, source)
  }

  /** The float32 tensor, in its shape, that `value` is the whole numbers of, as int32. */
  wholeOf({ buffer, shape }: Value): Value | undefined {
    const source = this.#wholes.get(buffer)
    return source && { ...source, shape }
  }

  constant(shape: Shape, data: Words): Value {
    const dtype: GpuDtype = data instanceof Float32Array ? "float32" : data instanceof Int32Array ? "int32" : "uint32"
    return { dtype, shape, buffer: this.buffer({ bytes: data.byteLength, data: new Constant(() => data) }) }
  }

  /** A stored tensor's elements: for what is folded into weights before they are uploaded. */
  stored(name: string): { shape: number[]; data: Words } | undefined {
    const tensor = this.#model.stored.get(name)
    return tensor && { shape: tensor.dims.map(Number), data: storedWords(tensor) }
  }

  isStored(name: string): boolean {
    return this.#model.stored.has(name)
  }

  /** The bytes of a stored tensor of 8 bits or fewer. */
  storedBytes(name: string): Uint8Array | undefined {
    const tensor = this.#model.stored.get(name)
    return tensor && storedBytes(tensor)
  }

  /** The elements of a small tensor that follow from the model and the inputs' shapes alone. */
  known(name: string): number[] | undefined {
    const elements = this.#inferred.get(name)?.elements
    return elements?.every((element) => element !== null) ? (elements as number[]) : undefined
  }

  shape(name: string): number[] {
    const shape = this.#inferred.get(name)?.shape
    if (!shape || shape.includes(null)) throw undecided(`the shape of ${name} depends on what is computed`)
    return shape as number[]
  }

  dtype(name: string): string {
    return this.#inferred.get(name)?.dtype ?? "unknown type"
  }

  /** The one node that uses `name`, where there is no other and it is no output of the graph. */
  soleUser(name: string): NodeProto | undefined {
    const users = this.#model.fused.users.get(name) ?? []
    return users.length === 1 && !this.#model.outputs.has(name) ? users[0] : undefined
  }

  /** The node that computes `name`. */
  maker(name: string): NodeProto | undefined {
    return this.#model.fused.makers.get(name)
  }

  /** As `soleUser`, behind the nodes that only give `name` another shape, with what it is called there. */
  soleUserBehind(name: string): { node: NodeProto; name: string; between: readonly NodeProto[] } | undefined {
    const node = this.soleUser(name)
    if (!node || !reshapings.includes(node.opType) || node.input[0] !== name) return node && { node, name, between: [] }
    const behind = this.soleUserBehind(node.output[0]!)
    return behind && { ...behind, between: [node, ...behind.between] }
  }

  /** Whether `get` has it now: whether all that it is computed from came before. */
  isReady(name: string): boolean {
    return this.#values.has(name) || this.#model.stored.has(name) || this.known(name) !== undefined
  }

  hasInputs(node: NodeProto): boolean {
    return node.input.every((name) => !name || this.isReady(name))
  }

  /** Something in the place of `name`, where that was not computed and its type is known: so that what comes behind can be looked at, too. */
  standIn(name: string): void {
    const { dtype, shape } = this.#inferred.get(name) ?? {}
    if (this.isReady(name) || !dtype || !isComputed(dtype) || !shape || shape.includes(null)) return
    const own = shape as number[]
    this.set(name, { dtype: gpuDtype(dtype), shape: own, buffer: this.buffer({ bytes: 4 * elems(own) }) })
  }

  isUsed(name: string): boolean {
    return this.#model.fused.users.has(name) || this.#model.outputs.has(name)
  }

  #knownValue(name: string): Value {
    const elements = this.known(name)
    if (!elements) throw undecided(`${name} is computed by nothing that our kernels know`)
    return this.constant(this.shape(name), wordsOf(gpuDtype(this.dtype(name)), elements))
  }
}

/** One node, as a lowering sees it. */
export class NodeLowering {
  readonly node: NodeProto
  readonly graph: GraphLowering

  constructor(node: NodeProto, graph: GraphLowering) {
    this.node = node
    this.graph = graph
  }

  get opset(): number {
    return this.graph.opset
  }

  /** Whether input `i` is given. */
  has(i: number): boolean {
    return Boolean(this.node.input[i])
  }

  input(i: number): Value {
    return this.graph.get(this.node.input[i]!)
  }

  optional(i: number): Value | undefined {
    return this.has(i) ? this.input(i) : undefined
  }

  /** Elements of input `i`, which must follow from shapes alone: axes, sizes, bounds. */
  known(i: number): number[] {
    const found = this.graph.known(this.node.input[i]!)
    if (!found) throw undecided(`its input ${i} is computed`)
    return found
  }

  knownOr<T>(i: number, otherwise: T): number[] | T {
    return this.has(i) ? this.known(i) : otherwise
  }

  outputShape(i = 0): number[] {
    return this.graph.shape(this.node.output[i]!)
  }

  set(i: number, value: Value): void {
    if (this.node.output[i]) this.graph.set(this.node.output[i]!, value)
  }

  /** `value` as the tensor `name`, in its shape. */
  setAs(name: string, value: Value): void {
    this.graph.set(name, this.reshaped(value, this.graph.shape(name)))
  }

  #attribute(name: string): AttributeProto | undefined {
    return this.node.attribute.find((attribute) => attribute.name === name)
  }

  int(name: string, otherwise: number): number {
    const found = this.#attribute(name)
    return found ? Number(found.i) : otherwise
  }

  float(name: string, otherwise: number): number {
    return this.#attribute(name)?.f ?? otherwise
  }

  ints(name: string, otherwise: readonly number[]): number[]
  ints(name: string): number[] | undefined
  ints(name: string, otherwise?: readonly number[]): number[] | undefined {
    return this.#attribute(name)?.ints.map(Number) ?? (otherwise && [...otherwise])
  }

  floats(name: string): number[] | undefined {
    return this.#attribute(name)?.floats
  }

  texts(name: string): string[] | undefined {
    return this.#attribute(name)?.strings.map((bytes) => new TextDecoder().decode(bytes))
  }

  text(name: string, otherwise: string): string {
    const found = this.#attribute(name)
    return found ? new TextDecoder().decode(found.s) : otherwise
  }

  /** `axis` of a tensor of `rank`, counted from the front. */
  axis(axis: number, rank: number): number {
    return axis < 0 ? axis + rank : axis
  }

  /** Adds a dispatch; gives its result, which is part of `into` where that is given. */
  run<P, A, N extends string>(
    kernel: Kernel<P, A, N>,
    inputs: readonly (Value | undefined)[],
    attributes: Partial<A> = {},
    into?: Value,
  ): Value {
    const halves = inputs.map((input) => input && this.graph.half(input.buffer))
    const stored = inputs.map(
      (input, i) =>
        input && { shape: input.shape, dtype: halves[i] === undefined ? input.dtype : ("float16" as const) },
    )
    const step = prepare(kernel as AnyKernel, stored, attributes, this.graph.limits)
    const { dtype, shape } = step.output
    const result = into ?? { dtype, shape, buffer: this.graph.buffer({ bytes: elems(shape) * 4 }) }
    const reads = kernel.inputs.map((_, i) => halves[i] ?? inputs[i]?.buffer)
    if (step.grid[0] > 0) this.graph.ops.push({ step, reads, writes: result.buffer })
    return result
  }

  reshaped(value: Value, shape: Shape): Value {
    if (elems(shape) !== elems(value.shape)) throw unsupported(`[${value.shape}] is no [${shape}]`)
    return { ...value, shape }
  }
}
