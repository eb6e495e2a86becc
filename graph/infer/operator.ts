import type { GraphProto } from "../generated/onnx_pb.js"
import type { NodeContext } from "./context.ts"
import type { Value } from "./value.ts"

/** What running something once takes. */
export interface Cost {
  /** Floating-point and integer operations; a multiply-add counts as two. */
  flops: number
  /** Bytes read and written when every tensor a node touches moves once, with nothing fused. */
  bytes: number
  perNode: NodeCost[]
}

export interface NodeCost {
  name: string
  operator: string
  flops: number
  bytes: number
}

/** How one operator's outputs follow from its inputs. */
export interface OperatorDefinition {
  /** The operator's name, or the names of several that behave alike. */
  names: string | readonly string[]
  /** `ai.onnx` by default. */
  domain?: string
  /** Shapes, element types and, for small tensors, elements of the outputs, in order. */
  infer(node: NodeContext): (Value | undefined)[]
  /** Operations of one run, null where a shape that decides it is unknown. Leave it out for operators that only move data. */
  flops?(node: NodeContext, outputs: readonly (Value | undefined)[]): number | null
  /** Bytes moved, where it isn't all inputs and all outputs; `0` for operators that a runtime does by renaming. */
  bytes?: 0 | ((node: NodeContext, outputs: readonly (Value | undefined)[]) => number | null)
}

/** Declares an operator; the table in `operators/index.ts` lists them all. */
export const defineOperator = (definition: OperatorDefinition): OperatorDefinition => definition

/** Runs a graph within a node: its outputs, and what it costs. */
export type RunGraph = (graph: GraphProto, path: string, inputs: readonly Value[]) => { outputs: Value[]; cost: Cost }
