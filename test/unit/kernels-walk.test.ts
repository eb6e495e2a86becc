import { describe, expect, test } from "vitest"
import { broadcast, permuted, places, sliced, type View, wholeView } from "../../kernels/index.ts"
import { strideParams, walk, walkConfig, walkParams } from "../../kernels/walk.ts"
import fc from "../property.ts"

/** Where each element of each view lies, as an invocation finds it from what it is told: sums of whole numbers of 32 bits. */
function visited(views: readonly View[]): number[][] {
  const way = walk(views)
  const { elems, dim1, dim2, dim3, dim4, dim5 } = walkParams(way)
  return way.views.map((view) => {
    const strides = Object.values(strideParams("s", view))
    return Array.from({ length: elems }, (_, i) => {
      const at: number[] = []
      let rest = i
      for (const dim of [dim5, dim4, dim3, dim2, dim1]) {
        at.unshift(rest % dim)
        rest = Math.floor(rest / dim)
      }
      const place = [rest, ...at].reduce((sum, index, axis) => (sum + Math.imul(index, strides[axis]!)) >>> 0, view.offset) // biome-ignore format: a sum
      if (!way.four) return [place]
      return view.still ? [place, place, place, place] : [0, 1, 2, 3].map((j) => 4 * place + j)
    }).flat()
  })
}

const shapes = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 })
/** A result of a shape whose last axis often has fours, and views of that shape: broadcast, exchanged, parts of others, backwards. */
const walks = fc
  .tuple(
    shapes,
    fc.constantFrom(1, 3, 4, 8),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2, 3, 4)), { minLength: 1, maxLength: 3 }),
  )
  .map(([front, last, kinds]) => {
    const shape = [...front, last]
    const view = ([bits, kind]: [number, number]): View => {
      if (kind === 0) return wholeView(shape)
      if (kind === 1) return broadcast(wholeView(shape.map((size, axis) => ((bits >> axis) & 1 ? 1 : size))), shape)
      if (kind === 2) return sliced(wholeView(shape.with(-1, last + (bits % 6))), shape.length - 1, bits % 6, last)
      if (kind === 3) return sliced(wholeView(shape), 0, shape[0]! - 1, shape[0]!, -1)
      const order = [...shape.keys()].reverse()
      return permuted(wholeView(order.map((axis) => shape[axis]!)), order)
    }
    return [wholeView(shape), ...kinds.map(view)]
  })

describe("the way over a result and what it is made of", () => {
  test("comes to every element of each view, in order", () => {
    fc.assert(
      fc.property(walks, (views) => {
        expect(visited(views)).toEqual(views.map(places))
      }),
    )
  })

  test("goes by fours where each view goes on by one or stands still, and by ones elsewhere", () => {
    const config = (...views: View[]) => walkConfig(walk([wholeView(views[0]!.shape), ...views]), ["A", "B"].slice(0, views.length)) // biome-ignore format: a line
    const row = (count: number) => broadcast(wholeView([count]), [6, count])
    const column = broadcast(wholeView([6, 1]), [6, 8])
    expect(config(wholeView([6, 8]))).toEqual({ FOUR: true, AXES: 1, A_STILL: false })
    expect(config(wholeView([6, 8]), row(8))).toEqual({ FOUR: true, AXES: 2, A_STILL: false, B_STILL: false })
    expect(config(column, row(8))).toEqual({ FOUR: true, AXES: 2, A_STILL: true, B_STILL: false })
    expect(config(wholeView([6, 6]))).toMatchObject({ FOUR: true, AXES: 1 })
    expect(config(wholeView([6, 6]), row(6))).toMatchObject({ FOUR: false, AXES: 2 })
    expect(config(wholeView([5, 7]))).toMatchObject({ FOUR: false, AXES: 1 })
    expect(config(sliced(wholeView([6, 16]), 1, 0, 8, 2))).toMatchObject({ FOUR: false })
    expect(config(sliced(wholeView([6, 10]), 1, 0, 8))).toMatchObject({ FOUR: false })
    expect(config(sliced(wholeView([6, 12]), 1, 2, 8))).toMatchObject({ FOUR: false })
    expect(config(sliced(wholeView([6, 12]), 1, 4, 8))).toMatchObject({ FOUR: true })
  })
})
