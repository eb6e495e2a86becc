import { elems, type View, wholeView } from "../../../kernels/index.ts"
import type { BufferSpec, Op, Program, Terminal, Value } from "./program.ts"

/** A buffer as lowering knows it: of its own, or part of another one from byte `at` on. */
export interface Room extends BufferSpec {
  readonly within?: { readonly buffer: number; readonly at: number }
}

/** A program while it is made. */
export interface Draft {
  readonly buffers: readonly Room[]
  readonly ops: readonly DraftOp[]
  readonly inputs: readonly DraftTerminal[]
  readonly outputs: readonly DraftTerminal[]
}
export type DraftOp = Omit<Op, "ranges">
export type DraftTerminal = Omit<Terminal, "at">

/** WebGPU's default for minStorageBufferOffsetAlignment. */
const OFFSET_ALIGNMENT = 256
/** No kernel binds a type larger than a vec4. */
const LEAST_BINDING = 16

/** A tensor that is to be part of another, from byte `at` on. */
export interface Part {
  readonly value: Value
  readonly at: number
}

/** Where buffer `i` lies: in memory of its own, or in that of which it is part. */
function placeOf(buffers: readonly Room[], i: number): { buffer: number; at: number } {
  const { within } = buffers[i]!
  if (!within) return { buffer: i, at: 0 }
  const outer = placeOf(buffers, within.buffer)
  return { buffer: outer.buffer, at: outer.at + within.at }
}

const mayBind = (at: number, bytes: number) => at % OFFSET_ALIGNMENT === 0 && bytes >= LEAST_BINDING

/** The byte from which `view` runs through a tensor, element after element, where it does and a binding may begin there. */
export function runOf(view: View): number | undefined {
  const { strides } = wholeView(view.shape)
  const runs = view.shape.every((size, axis) => size === 1 || view.strides[axis] === strides[axis])
  const at = view.offset * 4
  return runs && mayBind(at, elems(view.shape) * 4) ? at : undefined
}

/**
 * Puts the buffers of `parts` into buffer `whole`, so that what computed them writes there; gives the parts that can't be, to be copied. A part can't be whose elements were
 * not computed here or are part of something already, nor one that is read where another is written, since WebGPU binds no buffer for both.
 */
export function placeParts<P extends Part>(
  buffers: Room[],
  ops: readonly DraftOp[],
  whole: number,
  parts: readonly P[],
): readonly P[] {
  const root = (buffer: number) => placeOf(buffers, buffer).buffer
  const computed = new Set(ops.map(({ writes }) => root(writes)))
  const mayMove = ({ value, at }: P, i: number) => {
    const { bytes, within } = buffers[value.buffer]!
    const isFirst = parts.findIndex((part) => part.value.buffer === value.buffer) === i
    const isAll = bytes === elems(value.shape) * 4
    return isFirst && isAll && !within && computed.has(value.buffer) && mayBind(at, bytes)
  }
  let moved = parts.filter(mayMove)
  const obstacles = ({ value }: P) => {
    const inside = new Set(moved.map((part) => part.value.buffer))
    if (parts.some((part) => !moved.includes(part) && root(part.value.buffer) === value.buffer)) return Infinity
    return ops.filter(({ reads, writes }) => {
      const read = reads
        .flatMap((buffer) => (buffer === undefined ? [] : [root(buffer)]))
        .filter((one) => inside.has(one))
      return inside.has(root(writes)) && read.length > 0 && [root(writes), ...read].includes(value.buffer)
    }).length
  }
  for (;;) {
    const counts = moved.map(obstacles)
    const most = Math.max(0, ...counts)
    if (most === 0) break
    moved = moved.toSpliced(counts.indexOf(most), 1)
  }
  for (const { value, at } of moved)
    buffers[value.buffer] = { ...buffers[value.buffer]!, within: { buffer: whole, at } }
  return parts.filter((part) => !moved.includes(part))
}

/** `draft` in terms of buffers that are part of no other, without the ops whose results nothing uses. */
export function finished({ buffers, ops, inputs, outputs }: Draft): Program {
  const root = (buffer: number) => placeOf(buffers, buffer).buffer
  const used = new Set(outputs.map(({ value }) => root(value.buffer)))
  const isUsed = ({ reads, writes }: DraftOp) => {
    if (!used.has(root(writes))) return false
    for (const read of reads) if (read !== undefined) used.add(root(read))
    return true
  }
  const range = (buffer: number | undefined) => {
    const spec = buffer === undefined ? undefined : buffers[buffer]!
    return spec?.within && { at: placeOf(buffers, buffer!).at, bytes: spec.bytes }
  }
  const settled = ({ step, reads, writes }: DraftOp): Op => ({
    step,
    reads: reads.map((read) => (read === undefined ? undefined : root(read))),
    writes: root(writes),
    ranges: [...reads, writes].map(range),
  })
  const lying = (terminal: DraftTerminal): Terminal => {
    const { buffer, at } = placeOf(buffers, terminal.value.buffer)
    return { ...terminal, value: { ...terminal.value, buffer }, at }
  }
  return {
    buffers,
    ops: ops.toReversed().filter(isUsed).toReversed().map(settled),
    inputs: inputs.map(lying),
    outputs: outputs.map(lying),
  }
}
