import { fail } from "../protocol/errors/error.ts"
import type { Shape, TensorType } from "./define-kernel.ts"

/** Which elements of a buffer a tensor consists of: element `[i, j, …]` lies at `offset + i·strides[0] + j·strides[1] + …`. */
export interface View {
  readonly shape: Shape
  /** In elements; 0 along a broadcast axis, below 0 along one that runs backwards. */
  readonly strides: readonly number[]
  readonly offset: number
}

/** All of a row-major tensor. */
export function wholeView(shape: Shape): View {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= shape[axis]!
  }
  return { shape, strides, offset: 0 }
}

/** What a kernel that reads by strides is to read of an input. */
export function viewOf({ shape, strides }: TensorType): View {
  return strides ? { shape, strides, offset: 0 } : wholeView(shape)
}

/** True where the elements lie one behind the other in their order, wherever the first one is. */
export function isInOrder({ shape, strides }: View): boolean {
  const whole = wholeView(shape).strides
  return shape.includes(0) || shape.every((size, axis) => size === 1 || strides[axis] === whole[axis])
}

/** Axis i of the result is axis `order[i]`. */
export function permuted({ shape, strides, offset }: View, order: readonly number[]): View {
  return { shape: order.map((axis) => shape[axis]!), strides: order.map((axis) => strides[axis]!), offset }
}

/** Along `axis` the elements start, start + step, …: `count` of them. `step` may be below 0. */
export function sliced(view: View, axis: number, start: number, count: number, step = 1): View {
  const stride = view.strides[axis]!
  return {
    shape: view.shape.with(axis, count),
    strides: view.strides.with(axis, stride * step),
    offset: view.offset + start * stride,
  }
}

/** `view` as `shape`, by NumPy's rules: axes are added in front, and axes of one element repeated. Throws IPFA_INPUT_SHAPE. */
export function broadcast(view: View, shape: Shape): View {
  const added = shape.length - view.shape.length
  const strides = shape.map((size, axis) => {
    const own = view.shape[axis - added]
    if (own === size) return view.strides[axis - added]!
    if (own === undefined || own === 1) return 0
    throw fail("IPFA_INPUT_SHAPE", { message: `[${view.shape}] can't be broadcast to [${shape}].` })
  })
  if (added < 0) throw fail("IPFA_INPUT_SHAPE", { message: `[${view.shape}] can't be broadcast to [${shape}].` })
  return { shape, strides, offset: view.offset }
}

/** `view` repeated `repeats[axis]` times along each axis: the repeats of an axis are one of their own in front of it, [r0, d0, r1, d1, …]. */
export function tiled({ shape, strides, offset }: View, repeats: readonly number[]): View {
  return {
    shape: repeats.flatMap((times, axis) => [times, shape[axis]!]),
    strides: repeats.flatMap((_, axis) => [0, strides[axis]!]),
    offset,
  }
}

/** The shape that all of `shapes` are broadcast to, by NumPy's rules. Throws IPFA_INPUT_SHAPE. */
export function broadcastShape(shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length))
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = new Set(shapes.map((shape) => shape[axis - rank + shape.length] ?? 1))
    sizes.delete(1)
    if (sizes.size > 1)
      throw fail("IPFA_INPUT_SHAPE", { message: `${shapes.map((shape) => `[${shape}]`).join(" and ")} don't fit.` })
    return [...sizes][0] ?? 1
  })
}

/** The places of a view's elements, in order. */
export function places({ shape, strides, offset }: View): number[] {
  let list = [offset]
  for (const [axis, size] of shape.entries())
    list = list.flatMap((place) => Array.from({ length: size }, (_, i) => place + i * strides[axis]!))
  return list
}

/** The first and the last place that `view` reads or writes; undefined where it is empty. */
export function reach({ shape, strides, offset }: View): [first: number, last: number] | undefined {
  if (shape.includes(0)) return undefined
  let [first, last] = [offset, offset]
  for (const [axis, size] of shape.entries()) {
    const far = (size - 1) * strides[axis]!
    if (far < 0) first += far
    else last += far
  }
  return [first, last]
}

/**
 * The same elements in the same order over as few axes as can be: axes of one element are dropped, and two are one where every view runs on from the
 * inner to the outer. Gives at least one axis. All views have one shape.
 */
export function collapsed(views: readonly View[]): View[] {
  const { shape } = views[0]!
  const kept: { size: number; strides: number[] }[] = []
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!
    const strides = views.map((view) => view.strides[axis]!)
    const inner = kept.at(-1)
    if (size === 1) continue
    if (inner && strides.every((stride, i) => stride === inner.strides[i]! * inner.size)) inner.size *= size
    else kept.push({ size, strides })
  }
  kept.reverse()
  if (kept.length === 0) kept.push({ size: 1, strides: views.map(() => 0) })
  return views.map(({ offset }, i) => ({
    shape: kept.map(({ size }) => size),
    strides: kept.map(({ strides }) => strides[i]!),
    offset,
  }))
}

/** The same elements in the same order in another shape, of as many; undefined where no strides say that. */
export function reshaped(view: View, shape: Shape): View | undefined {
  if (shape.includes(0)) return undefined
  const [runs] = collapsed([view]) as [View]
  const strides = new Array<number>(shape.length).fill(0)
  let run = runs.shape.length - 1
  let [left, stride] = [runs.shape[run]!, runs.strides[run]!]
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!
    if (size === 1) continue
    if (left === 1) {
      run--
      left = runs.shape[run]!
      stride = runs.strides[run]!
    }
    if (left % size !== 0) return undefined
    strides[axis] = stride
    stride *= size
    left /= size
  }
  return { shape, strides, offset: view.offset }
}

/** Axes of a view that kernels take, after collapsing. */
export const MOST_AXES = 6

/** `list` with `filler` in front, up to the axes that kernels take. */
export function sixAxes(list: readonly number[], filler: number): SixAxes {
  return [...new Array<number>(MOST_AXES - list.length).fill(filler), ...list] as SixAxes
}
type SixAxes = [number, number, number, number, number, number]
