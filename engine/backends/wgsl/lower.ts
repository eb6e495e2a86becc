import { inferModel, type ModelInfo, type NodeProto } from "../../../graph/index.ts"
import { elems, type Limits, type Shape } from "../../../kernels/index.ts"
import { AccelerateError, type Dtype, fail } from "../../../protocol/index.ts"
import { checkNodes } from "../node-bound.ts"
import type { Lowerable } from "./lowerable.ts"
import { GraphLowering, NodeLowering } from "./lowering.ts"
import { findLowering } from "./operators/index.ts"
import { finished } from "./parts.ts"
import { type Program, usedBuffers } from "./program.ts"
import { computeNo, gpuDtype, isComputed } from "./tensors.ts"
import { NO_OPERATOR, type Refusal, refused } from "./unsupported.ts"

/** The program for a model, or each part of the model that keeps it from having one. */
export interface Lowered {
  readonly program?: Program
  readonly refusals: readonly Refusal[]
}

/** What our kernels can't run of a model whatever its inputs are: operators that no lowering is there for, and types of inputs and outputs. */
export function refusedAlways({ operators, inputs, outputs }: ModelInfo): Refusal[] {
  const lacking = Object.keys(operators).filter((operator) => !findLowering(operator))
  return [
    ...lacking.sort().map((operator) => ({ operator, reason: NO_OPERATOR })),
    ...refusedTypes([...inputs, ...outputs]),
  ]
}

function refusedTypes(terminals: ModelInfo["inputs"]): Refusal[] {
  const types = new Set(terminals.map(({ dtype }) => dtype).filter((dtype) => !isComputed(dtype)))
  return [...types].map((dtype) => ({ reason: computeNo(dtype) }))
}

/** Throws IPFA_DEVICE_MEMORY for a tensor that no binding of the device could hold. */
function checkSizes(program: Program, { maxStorageBufferBindingSize, maxBufferSize }: Limits): void {
  const limit = Math.min(maxStorageBufferBindingSize, maxBufferSize)
  const used = usedBuffers(program)
  const bytes = Math.max(...program.buffers.map((buffer, i) => (used.has(i) ? buffer.bytes : 0)))
  if (bytes > limit)
    throw fail("IPFA_DEVICE_MEMORY", {
      message: `A tensor of this model takes ${bytes} bytes and the device binds at most ${limit}.`,
      data: { bytes, limit },
    })
}

/**
 * The program that computes `model` on inputs of these shapes, by name, and of these elements where they decide shapes. Throws IPFA_DEVICE_UNSUPPORTED,
 * naming all that our kernels can't run, or a node that takes more than a GPU is given at once.
 */
export function lower(...args: Parameters<typeof tryLower>): Program {
  const { program, refusals } = tryLower(...args)
  if (!program) throw refused(refusals)
  return program
}

/** As `lower`, but gives what our kernels can't run in place of throwing that. */
export function tryLower(
  model: Lowerable,
  shapes: Readonly<Record<string, Shape>>,
  limits: Limits,
  values: Readonly<Record<string, readonly number[]>> = {},
): Lowered {
  const { info } = model
  const inferred = inferModel(model.proto, shapes, { values })
  checkNodes(inferred)
  const lowering = new GraphLowering(model, inferred.tensors, limits)
  const inputs = info.inputs
    .filter(({ dtype }) => isComputed(dtype))
    .map(({ name, dtype }) => {
      const shape = shapes[name]!
      const value = { dtype: gpuDtype(dtype), shape, buffer: lowering.buffer({ bytes: elems(shape) * 4 }) }
      lowering.set(name, value)
      return { name, dtype: dtype as Dtype, value }
    })
  const found = lowerNodes(model, lowering, refusedTypes(info.inputs))
  const covered = new Set(found.flatMap(({ operator, reason }) => (reason === NO_OPERATOR ? operator! : reason)))
  const others = refusedAlways(info).filter(({ operator, reason }) => !covered.has(operator ?? reason))
  const refusals = [...found, ...others]
  if (refusals.length > 0) return { refusals }
  const outputs = info.outputs.map(({ name, dtype }) => ({
    name,
    dtype: dtype as Dtype,
    value: lowering.get(name),
  }))
  const program = finished({ buffers: lowering.buffers, ops: lowering.ops, inputs, outputs })
  checkSizes(program, limits)
  return { program, refusals }
}

/**
 * Lowers all nodes, or adds to what was refused `before` those of which it can't be done. What is only so because of something before is not said: that is taken
 * for computed where its type is known.
 */
function lowerNodes(model: Lowerable, lowering: GraphLowering, before: readonly Refusal[]): Refusal[] {
  const refusals = [...before]
  for (const node of model.fused.nodes) {
    // What inference knows in full costs nothing at run time.
    const isNeeded = !lowering.done.has(node) && !node.output.every((name) => !name || lowering.known(name))
    const refusal = isNeeded ? lowerNode(node, lowering) : undefined
    const mayFollow = refusals.length > 0 && (refusal?.dependsOn === "elements" || !lowering.hasInputs(node))
    if (refusal && (refusal.reason === NO_OPERATOR || !mayFollow)) refusals.push(refusal)
    if (refusals.length > 0) for (const name of node.output) lowering.standIn(name)
  }
  return refusals
}

function lowerNode(node: NodeProto, lowering: GraphLowering): Refusal | undefined {
  const operator = node.domain && node.domain !== "ai.onnx" ? `${node.domain}:${node.opType}` : node.opType
  const named = { operator, node: node.name || node.output[0]! }
  const found = findLowering(operator)
  if (!found) return { ...named, reason: NO_OPERATOR }
  try {
    found.lower(new NodeLowering(node, lowering))
    return undefined
  } catch (error) {
    if (!(error instanceof AccelerateError)) throw error
    const { reason, dependsOn } = error.data as Partial<Refusal>
    // What a kernel refuses is mostly a matter of its inputs' shapes.
    const own = error.code === "IPFA_DEVICE_UNSUPPORTED" ? dependsOn : "shapes"
    return { ...named, reason: reason ?? error.message, ...(own && { dependsOn: own }) }
  }
}
