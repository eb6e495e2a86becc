import { gather } from "../../../../kernels/index.ts"
import { defineLowering } from "../lowering.ts"

export const selections = [
  defineLowering("Gather", (node) => {
    const x = node.input(0)
    const axis = node.axis(node.int("axis", 0), x.shape.length)
    node.set(0, node.run(gather, [x, node.input(1)], { axis }))
  }),
]
