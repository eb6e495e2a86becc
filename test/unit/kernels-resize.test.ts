import { expect, test } from "vitest"
import { resizeOrder } from "../../kernels/index.ts"

const axis = (at: number, from: number, to: number) => ({ at, from, to })

/** Elements that are made along the last of three axes, which is where it costs most. */
function madeOneByOne(axes: readonly ReturnType<typeof axis>[]): number {
  const shape = [2, 8, 8]
  for (const { at, to } of resizeOrder(axes)) {
    shape[at] = to
    if (at === 2) return shape.reduce((product, size) => product * size, 1)
  }
  return 0
}

test("the last axis is resized where there are fewest elements: before what becomes longer, after what becomes shorter", () => {
  expect(madeOneByOne([axis(1, 8, 16), axis(2, 8, 16)])).toBe(2 * 8 * 16)
  expect(madeOneByOne([axis(2, 8, 4), axis(1, 8, 4)])).toBe(2 * 4 * 4)
  expect(madeOneByOne([axis(1, 8, 4), axis(2, 8, 16)])).toBe(2 * 4 * 16)
  expect(madeOneByOne([axis(1, 8, 16), axis(2, 8, 4)])).toBe(2 * 8 * 4)
})

test("those that become shorter come first to last, others last to first, whatever order they are given in", () => {
  const given = [axis(3, 8, 9), axis(1, 4, 2), axis(2, 5, 5), axis(0, 6, 3)]
  expect(resizeOrder(given).map(({ at }) => at)).toEqual([0, 1, 3, 2])
  expect(given.map(({ at }) => at)).toEqual([3, 1, 2, 0])
})
