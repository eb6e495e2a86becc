import type { GpuDtype, Shape, Step } from "../../../kernels/index.ts"
import type { Dtype } from "../../../protocol/index.ts"
import type { Constant } from "./constant.ts"
import type { Lifetime } from "./memory.ts"

/** A tensor in a program: a row-major shape over all of one buffer, which reshaped tensors share. */
export interface Value {
  readonly dtype: GpuDtype
  readonly shape: Shape
  /** Index into the program's buffers. */
  readonly buffer: number
}

export interface BufferSpec {
  readonly bytes: number
  /** Weights: uploaded when the program is opened, unless nothing uses them. */
  readonly data?: Constant
}

/** Bytes of a buffer. */
export interface Range {
  readonly at: number
  readonly bytes: number
}

/** One dispatch and the buffers it is bound to; undefined where an optional input is left out. */
export interface Op {
  readonly step: Step
  readonly reads: readonly (number | undefined)[]
  readonly writes: number
  /** What is bound of the buffers that it reads and of that which it writes, where it is not all. */
  readonly ranges: readonly (Range | undefined)[]
}

/** An input or output of the graph: what callers know it as, and where it lies. */
export interface Terminal {
  readonly name: string
  readonly dtype: Dtype
  readonly value: Value
  /** The byte of its buffer where it begins. */
  readonly at: number
}

/** A graph for inputs of fixed shapes, as dispatches in order. */
export interface Program {
  readonly buffers: readonly BufferSpec[]
  readonly ops: readonly Op[]
  readonly inputs: readonly Terminal[]
  readonly outputs: readonly Terminal[]
}

/** What is read, written or handed out: weights that were folded into others are not. */
export function usedBuffers({ ops, inputs, outputs }: Program): Set<number> {
  return new Set([
    ...ops.flatMap(({ reads, writes }) => [...reads.filter((read) => read !== undefined), writes]),
    ...[...inputs, ...outputs].map(({ value }) => value.buffer),
  ])
}

/** The buffers in use that depend on no input: their ops run once, when the program is opened. */
export function staticBuffers(program: Program): ReadonlySet<number> {
  const { ops, inputs } = program
  const fixed = usedBuffers(program)
  for (const { value } of inputs) fixed.delete(value.buffer)
  // A buffer that several ops write in parts is fixed only when all of them are: so what is not is taken out until nothing changes.
  for (let before = -1; before !== fixed.size; ) {
    before = fixed.size
    for (const { reads, writes } of ops)
      if (reads.some((read) => read !== undefined && !fixed.has(read))) fixed.delete(writes)
  }
  return fixed
}

/** Of all that is not fixed, from the op that first writes a buffer to the one that last reads it; inputs live before the first op, outputs after the last. */
export function lifetimes({ buffers, ops, inputs, outputs }: Program, fixed: ReadonlySet<number>): Lifetime[] {
  const ends = new Map<number, { first: number; last: number }>()
  const touch = (buffer: number | undefined, at: number) => {
    if (buffer === undefined || fixed.has(buffer)) return
    ends.set(buffer, { first: ends.get(buffer)?.first ?? at, last: at })
  }
  for (const { value } of inputs) touch(value.buffer, -1)
  for (const [at, { reads, writes }] of ops.entries()) for (const buffer of [...reads, writes]) touch(buffer, at)
  for (const { value } of outputs) touch(value.buffer, ops.length)
  return [...ends].map(([buffer, { first, last }]) => ({ buffer, bytes: buffers[buffer]!.bytes, first, last }))
}
