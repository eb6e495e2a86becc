import { describe, expect, test } from "vitest"
import type { GpuTensor } from "../../kernels/index.ts"
import { counting, each, invalid, onEagerDevice, shapeError } from "./eager.ts"

const { gpu, keep, f32, i32, found, refused } = onEagerDevice()

describe("pad", () => {
  test("puts a value around, or takes elements away", async () => {
    const x = f32([2, 3])
    expect(await found(({ pad }) => pad(x, { pads: [1, 0, 0, 2] }))).toEqual({
      shape: [3, 5],
      numbers: [0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 4, 5, 6, 0, 0],
    })
    expect(await found(({ pad }) => pad(x, { pads: [-1, 1, 1, -1], value: 7 }))).toEqual({
      shape: [2, 3],
      numbers: [7, 4, 5, 7, 7, 7],
    })
    expect(await found(({ pad }) => pad(i32([2]), { pads: [1, 0], value: -1 }))).toEqual({ shape: [3], numbers: [-1, 1, 2] }) // biome-ignore format: a line
    expect(await found(({ pad }) => pad(f32([0]), { pads: [1, 1], value: 2 }))).toEqual({ shape: [2], numbers: [2, 2] })
    expect(await found(({ pad }) => pad(f32([]), { pads: [] }))).toEqual({ shape: [], numbers: [1] })
  })

  test.each([
    ["edge", [1, 1, 1, 2, 3, 4, 4, 4, 4, 4]],
    ["reflect", [3, 2, 1, 2, 3, 4, 3, 2, 1, 2]],
    ["wrap", [3, 4, 1, 2, 3, 4, 1, 2, 3, 4]],
  ] as const)("goes on by %s, further than the axis is long", async (mode, row) => {
    const rows = [4, 8, 12].map((last) => row.map((n) => n + last - 4))
    const want = mode === "edge" ? [0, 1, 2, 2] : mode === "reflect" ? [0, 1, 2, 1] : [0, 1, 2, 0]
    expect(await found(({ pad }) => pad(f32([3, 4]), { pads: [0, 2, 1, 4], mode }))).toEqual({
      shape: [4, 10],
      numbers: want.flatMap((i) => rows[i]!),
    })
  })

  test("of a view is of what it shows, and of nothing added a copy", async () => {
    const turned = keep(f32([2, 3]).permute([1, 0]))
    const numbers = [1, 4, 2, 5, 3, 6]
    expect(await found(({ pad }) => pad(turned, { pads: [0, 0, 1, 0] }))).toEqual({ shape: [4, 2], numbers: [...numbers, 0, 0] }) // biome-ignore format: a line
    const same = keep(await gpu().pad(turned, { pads: [0, 0, 0, 0], mode: "edge" }))
    expect([...(await same.read()), same.memory === turned.memory]).toEqual([...numbers, false])
  })

  test("is refused pads that are not two for each axis, what would be below 0, and a value the dtype does not hold", async () => {
    const x = f32([2, 3])
    for (const pads of [[1, 1], [1, 1, 1, 0.5], [-1, 0, -2, 0]]) await refused(({ pad }) => pad(x, { pads })) // biome-ignore format: a line
    await refused(({ pad }) => pad(f32([0]), { pads: [1, 0], mode: "edge" }))
    await refused(({ pad }) => pad(i32([1]), { pads: [1, 0], value: 0.5 }), invalid)
    await refused(({ pad }) => pad(x, { pads: [1, 0, 0, 0], mode: "circular" as "wrap" }), invalid)
  })
})

describe("concat, split and tile", () => {
  test("concat puts tensors one behind the other along any axis, views too, and one twice", async () => {
    const [a, b] = [f32([2, 1]), keep(f32([3, 2], [10, 20, 30, 40, 50, 60]).permute([1, 0]))]
    expect(await found(({ concat }) => concat([a, b, a], { axis: -1 }))).toEqual({
      shape: [2, 5],
      numbers: [1, 10, 30, 50, 1, 2, 20, 40, 60, 2],
    })
    const empty = f32([0, 1])
    expect(await found(({ concat }) => concat([empty, a, empty, a]))).toEqual({ shape: [4, 1], numbers: [1, 2, 1, 2] })
    expect(await found(({ concat }) => concat([i32([2]), i32([1], [-7])]))).toEqual({ shape: [3], numbers: [1, 2, -7] })
  })

  test("split gives views of the parts, equal or not, which concat makes whole again", async () => {
    const x = f32([2, 6])
    const halves = gpu().split(x, 2, { axis: 1 }).map(keep)
    expect(halves.map((part) => [part.shape, part.memory === x.memory])).toEqual([[[2, 3], true], [[2, 3], true]]) // biome-ignore format: a line
    expect([...(await halves[1]!.read())]).toEqual([4, 5, 6, 10, 11, 12])
    const parts = gpu().split(x, [1, 0, 5], { axis: -1 }).map(keep)
    expect(parts.map(({ shape }) => shape)).toEqual([[2, 1], [2, 0], [2, 5]]) // biome-ignore format: a line
    expect(await found(({ concat }) => concat(parts, { axis: 1 }))).toEqual({
      shape: [2, 6],
      numbers: counting([2, 6]),
    })
  })

  test("tile repeats along each axis, and adds axes as NumPy does", async () => {
    const x = f32([2, 3])
    expect(await found(({ tile }) => tile(x, [2, 3]))).toEqual({
      shape: [4, 9],
      numbers: each([4, 9], (i, j) => (i % 2) * 3 + (j % 3) + 1),
    })
    expect(await found(({ tile }) => tile(x, [2]))).toEqual({ shape: [2, 6], numbers: [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6] }) // biome-ignore format: a line
    expect(await found(({ tile }) => tile(keep(keep(x.slice(0, 1, 1)).share([3])), [2, 1]))).toEqual({ shape: [2, 3], numbers: [4, 5, 6, 4, 5, 6] }) // biome-ignore format: a line
    expect(await found(({ tile }) => tile(x, [0, 1]))).toEqual({ shape: [0, 3], numbers: [] })
  })

  test("shapes that don't fit are refused", async () => {
    const x = f32([2, 6])
    await refused(({ concat }) => concat([]))
    await refused(({ concat }) => concat([x, f32([2, 5])]))
    await refused(({ concat }) => concat([x, f32([12])], { axis: 0 }))
    await refused(({ concat }) => concat([x], { axis: 2 }))
    await refused(
      ({ concat }) => concat([x, i32([2, 6]) as unknown as typeof x]),
      expect.objectContaining({
        code: "IPFA_INPUT_INVALID",
        message: expect.stringContaining("of one dtype, not float32 and int32"),
      }),
    )
    for (const parts of [4, 0, -1, [1, 4], [7, -1], [5.5, 0.5]])
      expect(() => gpu().split(x, parts, { axis: 1 })).toThrow(shapeError)
    expect(() => gpu().split(x, 1, { axis: -3 })).toThrow(shapeError)
    for (const repeats of [[-1, 1], [0.5]]) await refused(({ tile }) => tile(x, repeats))
  })
})

describe("depthToSpace and spaceToDepth", () => {
  const [block, c, h, w] = [2, 3, 2, 3]
  const deep = [2, c * block ** 2, h, w]
  const at = (n: number, channel: number, y: number, x: number) => ((n * deep[1]! + channel) * h + y) * w + x + 1

  test.each([
    ["DCR", (channel: number, by: number, bx: number) => (by * block + bx) * c + channel],
    ["CRD", (channel: number, by: number, bx: number) => (channel * block + by) * block + bx],
  ] as const)("take pixels from the channels of mode %s", async (mode, channelOf) => {
    const shape = [2, c, h * block, w * block]
    const numbers = each(shape, (n, channel, y, x) =>
      at(n!, channelOf(channel!, y! % block, x! % block), Math.floor(y! / block), Math.floor(x! / block)),
    )
    expect(await found(({ depthToSpace }) => depthToSpace(i32(deep), { block, mode }))).toEqual({ shape, numbers })
    // A view that begins within.
    const later = keep(i32([3, ...deep.slice(1)], counting([3, ...deep.slice(1)]).map((n) => n - deep[1]! * h * w)).slice(0, 1, 2)) // biome-ignore format: a line
    expect(await found(({ depthToSpace }) => depthToSpace(later, { block, mode }))).toEqual({ shape, numbers })
    if (mode === "DCR")
      expect(await found(({ spaceToDepth }) => spaceToDepth(i32(shape, numbers), { block }))).toEqual({ shape: deep, numbers: counting(deep) }) // biome-ignore format: a line
  })

  test("shapes that are not made of whole blocks are refused", async () => {
    const x = f32([1, 6, 2, 3])
    await refused(({ depthToSpace }) => depthToSpace(x, { block: 2 }))
    await refused(({ spaceToDepth }) => spaceToDepth(x, { block: 2 }))
    await refused(({ depthToSpace }) => depthToSpace(f32([4, 2, 2]), { block: 2 }))
    await refused(({ depthToSpace }) => depthToSpace(x, { block: 0 }), invalid)
    await refused(({ depthToSpace }) => depthToSpace(x, { block: 1, mode: "RCD" as "CRD" }), invalid)
  })
})

describe("oneHot", () => {
  test("is 1 where an index says, from the front or the end, and nowhere for one outside", async () => {
    const indices = i32([2, 3], [0, 2, -1, 3, -4, 1])
    const hot = [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 1, 0]] // biome-ignore format: a table
    expect(await found(({ oneHot }) => oneHot(indices, { depth: 3 }))).toEqual({
      shape: [2, 3, 3],
      numbers: hot.flat(),
    })
    expect(await found(({ oneHot }) => oneHot(indices, { depth: 3, axis: 1 }))).toEqual({
      shape: [2, 3, 3],
      numbers: each([2, 3, 3], (i, k, j) => hot[i! * 3 + j!]![k!]!),
    })
  })

  test("takes other values and another dtype", async () => {
    const made = keep(await gpu().oneHot(i32([], [1]), { depth: 2, axis: 0, values: [9, -9], dtype: "int32" }))
    const whole: GpuTensor<"int32"> = made
    expect([whole.dtype, await whole.read()]).toEqual(["int32", Int32Array.of(9, -9)])
    await refused(({ oneHot }) => oneHot(i32([1]), { depth: 2, values: [0, 0.5], dtype: "int32" }), invalid)
    await refused(({ oneHot }) => oneHot(i32([1]), { depth: -1 }), invalid)
    await refused(({ oneHot }) => oneHot(i32([1]), { depth: 2, axis: 2 }))
  })
})

describe("gatherNd, scatterNd and scatterElements", () => {
  test("gatherNd picks elements, slices, and slices of each batch", async () => {
    const x = f32([2, 3, 4])
    const of = (i: number, j: number, k: number) => (i * 3 + j) * 4 + k + 1
    const tuples = [[1, 2], [0, -1], [-2, 0]] // biome-ignore format: a table
    const rows = [[1, 2], [0, 2], [0, 0]] // biome-ignore format: a table
    expect(await found(({ gatherNd }) => gatherNd(x, i32([3, 1, 2], tuples.flat())))).toEqual({
      shape: [3, 1, 4],
      numbers: rows.flatMap(([i, j]) => [0, 1, 2, 3].map((k) => of(i!, j!, k))),
    })
    expect(await found(({ gatherNd }) => gatherNd(x, i32([2, 3], [1, 0, 3, 0, 2, -2])))).toEqual({
      shape: [2],
      numbers: [of(1, 0, 3), of(0, 2, 2)],
    })
    const turned = keep(x.permute([0, 2, 1]))
    expect(await found(({ gatherNd }) => gatherNd(turned, i32([2, 2, 1], [3, 0, 1, 1]), { batch: 1 }))).toEqual({
      shape: [2, 2, 3],
      numbers: [[0, 3], [0, 0], [1, 1], [1, 1]].flatMap(([i, k]) => [0, 1, 2].map((j) => of(i!, j, k!))), // biome-ignore format: a table
    })
  })

  test("scatterNd puts elements and slices into a copy, and joins them with what is there", async () => {
    const x = f32([3, 2])
    const updates = f32([2, 2], [10, 20, 30, 40])
    expect(await found(({ scatterNd }) => scatterNd(x, i32([2, 1], [2, -3]), updates))).toEqual({
      shape: [3, 2],
      numbers: [30, 40, 3, 4, 10, 20],
    })
    expect(await found(({ scatterNd }) => scatterNd(x, i32([2, 1], [1, 1]), updates, { reduction: "add" }))).toEqual({
      shape: [3, 2],
      numbers: [1, 2, 43, 64, 5, 6],
    })
    const turned = keep(updates.permute([1, 0]))
    const places = i32([2, 2, 2], [0, 0, 0, 1, 1, 0, 2, 1])
    expect(await found(({ scatterNd }) => scatterNd(x, places, turned))).toEqual({
      shape: [3, 2],
      numbers: [10, 30, 20, 4, 5, 40],
    })
    expect([...(await x.read())]).toEqual(counting([3, 2]))
  })

  test.each([0, 1, -1])("scatterElements goes by its indices along axis %i", async (axis) => {
    const x = f32([3, 4], new Array(12).fill(0))
    const [indices, updates] = [i32([2, 3], [1, 0, 2, 0, -1, 0]), f32([2, 3])]
    const want = axis === 0
      ? [4, 2, 6, 0, 1, 0, 0, 0, 0, 5, 3, 0]
      : [2, 1, 3, 0, 4 + 6, 0, 0, 5, 0, 0, 0, 0] // biome-ignore format: rows of x
    expect(
      await found(({ scatterElements }) => scatterElements(x, indices, updates, { axis, reduction: "add" })),
    ).toEqual({ shape: [3, 4], numbers: want })
    expect(
      await found(({ scatterElements }) => scatterElements(i32([2], [5, 6]), i32([1], [1]), i32([1], [9]))),
    ).toEqual({ shape: [2], numbers: [5, 9] })
  })

  test("shapes that don't fit are refused", async () => {
    const [x, one] = [f32([2, 3]), f32([1])]
    for (const indices of [i32([]), i32([2, 0]), i32([1, 3])]) {
      await refused(({ gatherNd }) => gatherNd(x, indices))
      await refused(({ scatterNd }) => scatterNd(x, indices, one))
    }
    await refused(({ gatherNd }) => gatherNd(x, i32([3, 1]), { batch: 1 }))
    await refused(({ gatherNd }) => gatherNd(x, i32([2, 2]), { batch: 1 }))
    await refused(({ gatherNd }) => gatherNd(x, i32([1]), { batch: 1 }))
    await refused(({ gatherNd }) => gatherNd(x, i32([1, 1]), { batch: -1 }))
    await refused(({ scatterNd }) => scatterNd(x, i32([1, 1]), f32([1, 2])))
    await refused(({ scatterElements }) => scatterElements(x, i32([1]), one))
    await refused(({ scatterElements }) => scatterElements(x, i32([3, 1]), f32([3, 1]), { axis: 1 }))
    await refused(({ scatterElements }) => scatterElements(x, i32([1, 1]), f32([1, 2])))
    await refused(({ scatterElements }) => scatterElements(x, i32([1, 1]), f32([1, 1]), { axis: 2 }))
  })
})
