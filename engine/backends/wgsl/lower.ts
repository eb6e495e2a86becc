import { inferModel, type ModelInfo } from "../../../graph/index.ts"
import { elems, type Limits, type Shape } from "../../../kernels/index.ts"
import { AccelerateError, type Dtype, fail } from "../../../protocol/index.ts"
import { checkNodes } from "../node-bound.ts"
import type { Lowerable } from "./lowerable.ts"
import { GraphLowering, NodeLowering } from "./lowering.ts"
import { findLowering } from "./operators/index.ts"
import { finished } from "./parts.ts"
import { type Program, usedBuffers } from "./program.ts"
import { gpuDtype } from "./tensors.ts"
import { unsupported } from "./unsupported.ts"

/** Operators of `info` that no lowering is there for; of other domains as `domain:name`. */
export function missingOperators(info: ModelInfo): string[] {
  return Object.keys(info.operators)
    .filter((name) => !findLowering(name))
    .sort()
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
 * naming the first node that our kernels can't run, or that takes more than a GPU is given at once.
 */
export function lower(
  model: Lowerable,
  shapes: Readonly<Record<string, Shape>>,
  limits: Limits,
  values: Readonly<Record<string, readonly number[]>> = {},
): Program {
  const { info } = model
  const inferred = inferModel(model.proto, shapes, { values })
  checkNodes(inferred)
  const lowering = new GraphLowering(model, inferred.tensors, limits)
  const inputs = info.inputs.map(({ name, dtype }) => {
    const shape = shapes[name]!
    const value = { dtype: gpuDtype(dtype!), shape, buffer: lowering.buffer({ bytes: elems(shape) * 4 }) }
    lowering.set(name, value)
    return { name, dtype: dtype as Dtype, value }
  })
  for (const node of model.fused.nodes) {
    if (lowering.done.has(node)) continue
    // What inference knows in full costs nothing at run time.
    if (node.output.every((name) => !name || lowering.known(name))) continue
    const found = findLowering(node.domain && node.domain !== "ai.onnx" ? `${node.domain}:${node.opType}` : node.opType)
    try {
      if (!found) throw unsupported("they have no such operator")
      found.lower(new NodeLowering(node, lowering))
    } catch (error) {
      if (!(error instanceof AccelerateError)) throw error
      const reason = (error.data as { reason?: string } | undefined)?.reason ?? error.message
      throw unsupported(`${node.opType} ${node.name || node.output[0]}: ${reason}`)
    }
  }
  const outputs = info.outputs.map(({ name, dtype }) => ({
    name,
    dtype: dtype as Dtype,
    value: lowering.get(name),
  }))
  const program = finished({ buffers: lowering.buffers, ops: lowering.ops, inputs, outputs })
  checkSizes(program, limits)
  return program
}
