import { describe, expect, test } from "vitest"
import type { ResizeAttributes } from "../../kernels/index.ts"
import { counting, each, invalid, onEagerDevice } from "../kernels/eager.ts"
import { float, type Given, int, ints, of, stored, tensor, text, theirsOf } from "./single-node.ts"

// The eager API's resize, by all of ONNX's modes, against onnxruntime-node.
const { gpu, keep, f32, i32, found, refused } = onEagerDevice()

/** The node of the same attributes, for onnxruntime. */
function nodeOf(input: Given["inputs"][number], attributes: ResizeAttributes): Given {
  const { sizes, scales, aspect, axes, crop, mode, coordinates, nearest, cubicA, antialias, excludeOutside } =
    attributes
  const words = { mode, coordinate_transformation_mode: coordinates, nearest_mode: nearest, keep_aspect_ratio_policy: aspect } // biome-ignore format: a line
  const floats = (list: readonly number[]) => stored(of("float32", [list.length], list))
  return {
    operator: "Resize",
    attributes: [
      ...Object.entries(words).flatMap(([name, word]) => (word ? [text(name, word)] : [])),
      ...(axes ? [ints("axes", [...axes])] : []),
      ...(cubicA === undefined ? [] : [float("cubic_coeff_a", cubicA)]),
      ...(antialias ? [int("antialias", 1)] : []),
      ...(excludeOutside ? [int("exclude_outside", 1)] : []),
    ],
    inputs: [
      input,
      crop ? floats(crop) : null,
      scales ? floats(scales) : null,
      sizes ? stored(of("int64", [sizes.length], sizes)) : null,
    ],
    outputs: [["float32", 4]],
  }
}
const image = [1, 2, 6, 7]
const numbers = tensor("float32", image, -2, 2)

/** As onnxruntime-node's, of the same shape, as near as float32 allows where they compute in other orders. */
async function agrees(attributes: ResizeAttributes): Promise<void> {
  const { y0: want } = await theirsOf(nodeOf(numbers, attributes))
  const got = await found(({ resize }) => resize(f32(image, [...(numbers.data as Float32Array)]), attributes))
  expect(got.shape).toEqual(want!.dims)
  const values = [...(want!.data as Float32Array)]
  const most = Math.max(...values.map(Math.abs))
  expect(got.numbers.filter((value, i) => !(Math.abs(value - values[i]!) <= 1e-5 * most))).toEqual([])
}

const coordinates = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "asymmetric", "align_corners"] as const
const modes = ["nearest", "linear", "cubic"] as const
// Longer and shorter; by these scales nothing lies halfway between two elements, where rounding would decide.
const extents = [
  { sizes: [1, 2, 9, 4] },
  { sizes: [1, 2, 1, 11] },
  { scales: [1, 1, 1.72, 0.65] },
] satisfies ResizeAttributes[]

describe("resize gives onnxruntime-node's numbers", () => {
  for (const mode of modes)
    test.each(coordinates)(`${mode}, %s`, async (by) => {
      for (const extent of extents) await agrees({ ...extent, mode, coordinates: by })
    })

  test.each(modes)("%s, of a crop", async (mode) => {
    const crop = [0, 0, 0.2, -0.1, 1, 1, 1.1, 0.8]
    await agrees({ sizes: [1, 2, 8, 5], crop, mode, coordinates: "tf_crop_and_resize" })
  })

  test.each(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"] as const)("nearest by %s", async (nearest) => {
    await agrees({ scales: [1, 1, 2, 0.5], nearest })
    await agrees({ sizes: [1, 2, 9, 14], nearest, coordinates: "asymmetric" })
  })

  test("cubic with another coefficient, and without what lies outside", async () => {
    await agrees({ sizes: [1, 2, 9, 4], mode: "cubic", cubicA: -0.5 })
    await agrees({ sizes: [1, 2, 9, 4], mode: "cubic", excludeOutside: true })
  })

  test.each(["linear", "cubic"] as const)("%s, anti-aliased", async (mode) => {
    await agrees({ sizes: [1, 2, 3, 9], mode, antialias: true })
  })

  test.each(["not_larger", "not_smaller"] as const)("sizes that are %s and keep the proportions", async (aspect) => {
    await agrees({ sizes: [9, 4], axes: [2, 3], mode: "linear", aspect })
  })
})

describe("resize", () => {
  test("is of the last axes unless told of others, and moves any dtype to the nearest", async () => {
    // By half_pixel rows lie at −1/6, 1/2 and 7/6, columns at −1/4, 1/4, 3/4 and 5/4.
    const [rows, columns] = [[0, 0, 1], [0, 0, 0, 1]] // biome-ignore format: a table
    const picked = each([2, 3, 4], (n, i, j) => n! * 4 + rows[i!]! * 2 + columns[j!]! + 1)
    expect(await found(({ resize }) => resize(f32([2, 2, 2]), { sizes: [3, 4], nearest: "floor" }))).toEqual({
      shape: [2, 3, 4],
      numbers: picked,
    })
    const turned = keep(i32([2, 2], [1, 2, 3, 2 ** 30]).permute([1, 0]))
    expect(await found(({ resize }) => resize(turned, { scales: [2], axes: [-2] }))).toEqual({ shape: [4, 2], numbers: [1, 3, 1, 3, 2, 2 ** 30, 2, 2 ** 30] }) // biome-ignore format: a line
    const same = keep(await gpu().resize(turned, { sizes: [2, 2] }))
    expect([...(await same.read()), same.memory === turned.memory]).toEqual([1, 3, 2, 2 ** 30, false])
  })

  test("is refused shapes and words that are none", async () => {
    const x = f32([2, 3], counting([2, 3]))
    const wrong = [
      { sizes: [] },
      { sizes: [1, 2, 3] },
      { sizes: [2], axes: [0, 1] },
      { sizes: [2, 2], axes: [0, -2] },
      { sizes: [0, 2] },
      { sizes: [1.5, 2] },
      { scales: [0, 2] },
      { scales: [2, Number.POSITIVE_INFINITY] },
      { scales: [2, 2], crop: [0, 0, 1] },
      { sizes: [2], axes: [2] },
    ]
    for (const attributes of wrong) await refused(({ resize }) => resize(x, attributes))
    await refused(({ resize }) => resize(f32([0, 3]), { sizes: [2, 2] }))
    for (const word of ["mode", "coordinates", "nearest", "aspect"])
      await refused(({ resize }) => resize(x, { sizes: [2, 2], [word]: "other" } as ResizeAttributes), invalid)
    await refused(({ resize }) => resize(i32([2]) as unknown as typeof x, { sizes: [4], mode: "linear" }), invalid)
  })
})
