import type { Shape } from "./define-kernel.ts"
import { elems } from "./gpu-tensor.ts"
import type { Config } from "./preprocess.ts"
import { collapsed, MOST_AXES, sixAxes, type View } from "./view.ts"

/** What wgsl/walk.wgsl goes over: a result and what it is made of, views of one shape over as few axes as can be. */
export interface Walk {
  /** An invocation makes four neighbours along the last axis: they are one in `shape`, and in the strides of each view that is not `still`. */
  readonly four: boolean
  readonly shape: Shape
  readonly views: readonly (View & { readonly still: boolean })[]
}

/** Whether `count` elements that lie one behind the other are made by fours. */
export const isByFours = (count: number): boolean => count % 4 === 0

/**
 * The way over `views`, the result's first. By fours where the last axis has nothing but such, along which the result goes on by one and every other view does or stands still; and all that go on
 * have fours to begin with in every row. Strides below 0 are kept.
 */
export function walk(views: readonly View[]): Walk {
  const short = collapsed(views)
  const { shape } = short[0]!
  const step = ({ strides }: View) => strides.at(-1)!
  const goesByFours = ({ strides, offset }: View) =>
    strides.at(-1) === 1 && strides.slice(0, -1).every(isByFours) && isByFours(offset)
  const four =
    isByFours(shape.at(-1)!) &&
    goesByFours(short[0]!) &&
    short.slice(1).every((view) => step(view) === 0 || goesByFours(view))
  if (!four) return { four, shape, views: short.map((view) => ({ ...view, still: false })) }
  const inFours = shape.with(-1, shape.at(-1)! / 4)
  return {
    four,
    shape: inFours,
    views: short.map((view) => {
      if (step(view) === 0) return { ...view, shape: inFours, still: true }
      const strides = view.strides.map((stride, axis) => (axis === shape.length - 1 ? stride : stride / 4))
      return { shape: inFours, strides, offset: view.offset / 4, still: false }
    }),
  }
}

/** Why it can't be walked: too many axes. */
export const walkRefusal = ({ shape: { length } }: Walk): string | undefined =>
  length > MOST_AXES ? `${length} axes are more than ${MOST_AXES}` : undefined

/** What wgsl/walk.wgsl asks about; and for each of `names`, which are those of the views behind the result's, NAME_STILL. One axis and two need less arithmetic than six. */
export function walkConfig({ four, shape, views }: Walk, names: readonly string[]): Config {
  const still = names.map((name, i) => [`${name}_STILL`, views[i + 1]!.still])
  return { FOUR: four, AXES: shape.length <= 2 ? shape.length : MOST_AXES, ...Object.fromEntries(still) }
}

/** `elems`, what there is for invocations to make, and the axes, as fields of `Params`. */
export function walkParams({ shape }: Walk): Record<"elems" | `dim${1 | 2 | 3 | 4 | 5}`, number> {
  const [, dim1, dim2, dim3, dim4, dim5] = sixAxes(shape, 1)
  return { elems: elems(shape), dim1, dim2, dim3, dim4, dim5 }
}

/** A view's strides as fields of `Params`: `name`0 to `name`5. One below 0 wraps around, as sums of u32 do. */
export function strideParams<N extends string>(
  name: N,
  { strides }: View,
): Record<`${N}${0 | 1 | 2 | 3 | 4 | 5}`, number> {
  const fields = sixAxes(strides, 0).map((stride, axis) => [`${name}${axis}`, stride >>> 0])
  return Object.fromEntries(fields)
}
