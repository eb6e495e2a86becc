import { add, copy, type ScatterAttributes, scatter, wholeView } from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { placesAlong, product, startsOf, whole } from "./indices.ts"
import { narrowed } from "./narrow.ts"

/** x with the updates at their places; those that may go to one lie in a line along `axis`. */
function scattered(node: NodeLowering, x: Value, places: Value, updates: Value, axis: number): void {
  const { shape } = x
  const reduction = node.text("reduction", "none") as ScatterAttributes["reduction"]
  const y = node.run(copy, [x])
  node.run(scatter, [places, node.reshaped(updates, places.shape)], { shape, axis, reduction }, y)
  node.set(0, reduction === "add" || reduction === "mul" ? narrowed(node, y) : y)
}

export const scatters = [
  defineLowering(["ScatterElements", "Scatter"], (node) => {
    const [x, updates] = [node.input(0), node.input(2)]
    const axis = node.axis(node.int("axis", 0), x.shape.length)
    scattered(node, x, placesAlong(node, x.shape, node.input(1), axis), updates, axis)
  }),

  // Each tuple of indices names a slice of x, and an update has the elements of one.
  defineLowering("ScatterND", (node) => {
    const [x, indices, updates] = [node.input(0), node.input(1), node.input(2)]
    const depth = indices.shape.at(-1)!
    const size = product(x.shape.slice(depth))
    const count = product(indices.shape.slice(0, -1))
    const { strides } = wholeView(x.shape)
    const starts = startsOf(node, indices, x.shape.slice(0, depth), strides.slice(0, depth))
    if (size === 1) return scattered(node, x, node.reshaped(starts, [count]), updates, 0)
    const elements = whole(
      node,
      [size],
      Array.from({ length: size }, (_, i) => i),
    )
    scattered(node, x, node.run(add, [node.reshaped(starts, [count, 1]), elements]), updates, 0)
  }),
]
