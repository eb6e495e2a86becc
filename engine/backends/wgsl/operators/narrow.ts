import { add, modulo, sub } from "../../../../kernels/index.ts"
import type { NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { whole } from "./indices.ts"

/** Numbers of the node's output, whose dtype may have fewer bits than the words that they are in: what is beyond its range goes on from its other end. */
export function narrowed(node: NodeLowering, value: Value): Value {
  const [, isUnsigned, bits] = /^(u?)int(8|16)$/.exec(node.graph.dtype(node.node.output[0]!)) ?? []
  if (bits === undefined) return value
  const number = (n: number) => whole(node, [], [n])
  const inSpan = (x: Value) => node.run(modulo, [x, number(2 ** Number(bits))])
  if (isUnsigned) return inSpan(value)
  const half = number(2 ** (Number(bits) - 1))
  return node.run(sub, [inSpan(node.run(add, [value, half])), half])
}
