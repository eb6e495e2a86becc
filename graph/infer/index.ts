import { fail } from "../../protocol/errors/index.ts"
import { elementType } from "../element-type.ts"
import type { GraphProto, ModelProto, ValueInfoProto } from "../generated/onnx_pb.js"
import { defaultLimits } from "../limits.ts"
import { invalid, quoted } from "../refuse.ts"
import { declaredShape } from "../validate/value-info.ts"
import type { Cost } from "./operator.ts"
import { Propagation, Values } from "./propagate.ts"
import { type Dim, elems, type Value, value } from "./value.ts"

/** What is known of a tensor: `dtype` is ONNX's wider list (float64 among them), a null dimension or shape is unknown. */
export interface InferredTensor {
  name: string
  dtype: string | null
  shape: Dim[] | null
  /** Its elements, where they are few and follow from the model and the feeds' shapes; null where one doesn't. */
  elements?: readonly (number | null)[]
}

export interface InferOptions {
  /** Elements of small integer inputs, row-major, where they decide shapes or branches (a target size, a sample rate). */
  values?: Record<string, readonly number[]>
  /** IPFA_MODEL_TOO_LARGE past so many nodes, names of theirs and numbers in their attributes, functions counted once per call. */
  mostSteps?: number
}

export interface InferredShapes {
  outputs: InferredTensor[]
  /** Every value of the main graph, by name: inputs, initializers and nodes' outputs. */
  tensors: Map<string, InferredTensor>
  /** Operators inference has no rule for; what follows from them has null shapes. */
  unknownOperators: string[]
}

export interface InferredCost {
  /** Operations of one run; a multiply-add counts as two. Where the branch of an If isn't known, the dearer one. */
  flops: number
  /** Bytes read and written in one run if each node moves its tensors once, weights included, nothing fused. */
  bytes: number
  /** In the order of execution, nodes within branches and functions included. */
  perNode: Cost["perNode"]
  unknownOperators: string[]
  /** Nodes that are not in the sums, because their operator or a shape that decides is unknown. */
  uncounted: string[]
}

/**
 * The shape of every tensor of a validated model, given the shapes of what is fed: `feeds` is a shape by input name. An input that is not
 * fed has its declared shape, symbols unknown. What can't be known is null, never guessed. A feed that doesn't fit its input is
 * IPFA_INPUT_SHAPE, one of no input IPFA_INPUT_INVALID; shapes that contradict each other within the model are IPFA_MODEL_INVALID.
 */
export function inferShapes(
  model: ModelProto,
  feeds: Record<string, readonly number[]> = {},
  options: InferOptions = {},
): InferredShapes {
  return shapesOf(run(model, feeds, options))
}

/** What one run with those feeds takes; see `inferShapes` for the arguments and errors. */
export function inferCost(
  model: ModelProto,
  feeds: Record<string, readonly number[]> = {},
  options: InferOptions = {},
): InferredCost {
  return costOf(run(model, feeds, options))
}

/** Both at once, which takes the time of one. */
export function inferModel(
  model: ModelProto,
  feeds: Record<string, readonly number[]> = {},
  options: InferOptions = {},
): InferredShapes & InferredCost {
  const walked = run(model, feeds, options)
  return { ...shapesOf(walked), ...costOf(walked) }
}

type Walked = ReturnType<typeof run>

function shapesOf({ graph, values, propagation }: Walked): InferredShapes {
  const named = (name: string, v: Value): InferredTensor => ({
    name,
    dtype: elementType(v.elem)?.name ?? null,
    shape: v.shape && [...v.shape],
    ...(v.data && { elements: v.data }),
  })
  return {
    outputs: graph.output.map(({ name }) => named(name, values.get(name) ?? value(0, null))),
    tensors: new Map([...values.entries()].map(([name, v]) => [name, named(name, v)])),
    unknownOperators: [...propagation.unknownOperators].sort(),
  }
}

function costOf({ cost, propagation }: Walked): InferredCost {
  return { ...cost, unknownOperators: [...propagation.unknownOperators].sort(), uncounted: propagation.uncounted }
}

function run(model: ModelProto, feeds: Record<string, readonly number[]>, options: InferOptions) {
  const { graph } = model
  if (!graph) throw invalid("graph", "a graph")
  const values = new Values()
  const stored = new Set(graph.initializer.map((t) => t.name))
  graph.input.forEach((info, i) => {
    if (!stored.has(info.name) || Object.hasOwn(feeds, info.name))
      values.set(info.name, inputValue(info, i, feeds, options))
  })
  checkNames(graph, feeds)
  const propagation = new Propagation(model, options.mostSteps)
  const cost = propagation.model(graph, values)
  return { graph, values, propagation, cost }
}

function checkNames(graph: GraphProto, feeds: Record<string, readonly number[]>): void {
  const names = new Set(graph.input.map((x) => x.name))
  for (const name of Object.keys(feeds)) {
    if (names.has(name)) continue
    throw fail("IPFA_INPUT_INVALID", {
      data: { path: name, expected: `one of ${[...names].slice(0, 20).map(quoted).join(", ")}` },
    })
  }
}

function inputValue(
  info: ValueInfoProto,
  i: number,
  feeds: Record<string, readonly number[]>,
  options: InferOptions,
): Value {
  const type = info.type?.value
  if (type?.case !== "tensorType") return value(0, null)
  const declared = type.value.shape && declaredShape(type.value.shape, `graph.input[${i}].type`, defaultLimits)
  const fed = Object.hasOwn(feeds, info.name) ? feeds[info.name] : undefined
  if (fed) checkFeed(info.name, fed, declared)
  const shape = fed ?? declared?.map((d) => (typeof d === "number" ? d : null)) ?? null
  const data = Object.hasOwn(options.values ?? {}, info.name) ? options.values![info.name] : undefined
  return value(type.value.elemType, shape, data && data.length === elems(shape) ? data : undefined)
}

function checkFeed(name: string, fed: readonly number[], declared: (number | string | null)[] | undefined): void {
  const fits =
    fed.every((d) => Number.isSafeInteger(d) && d >= 0) &&
    (!declared || (declared.length === fed.length && declared.every((d, i) => typeof d !== "number" || d === fed[i])))
  if (fits) return
  const expected = declared ? `[${declared.map((d) => d ?? "?").join(", ")}]` : "whole dimensions ≥ 0"
  throw fail("IPFA_INPUT_SHAPE", { data: { path: name, expected, got: [...fed].slice(0, 32) } })
}
