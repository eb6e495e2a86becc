import {
  type AnyKernel,
  abs,
  add,
  type BlockMode,
  type Blocks,
  copy,
  depthToSpace,
  div,
  exp,
  greater,
  greaterOrEqual,
  log,
  maximum,
  mul,
  neg,
  permuted,
  sigmoid,
  silu,
  spaceToDepth,
  sub,
  where,
  wholeView,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { wordsOf } from "../tensors.ts"

/** Operators that are a few kernels one after the other: right first, fused where it is worth it. */

type Compute = (x: Value, to: Steps) => Value

/** Kernels as functions of values. */
interface Steps {
  node: NodeLowering
  run(kernel: AnyKernel, ...inputs: Value[]): Value
  number(value: number): Value
}

const composed = (operator: string, compute: Compute) =>
  defineLowering(operator, (node) => {
    const to: Steps = {
      node,
      run: (kernel, ...inputs) => node.run(kernel, inputs),
      number: (value) => node.graph.constant([], Float32Array.of(value)),
    }
    node.set(0, compute(node.input(0), to))
  })

/** `factor` · (e^x − 1) below 0, `slope` · x from there on. */
const exponential =
  (factor: (node: NodeLowering) => number, slope: (node: NodeLowering) => number): Compute =>
  (x, { node, run, number }) => {
    const below = run(mul, run(sub, run(exp, x), number(1)), number(factor(node)))
    return run(where, run(greaterOrEqual, x, number(0)), run(mul, x, number(slope(node))), below)
  }

/** Pixels between channels and sides. */
function moved(node: NodeLowering, { axes, order, shape }: Blocks): void {
  const result = node.run(copy, [node.input(0)], { from: permuted(wholeView(axes), order) })
  node.set(0, node.reshaped(result, shape))
}

export const composites = [
  composed("Elu", exponential((node) => node.float("alpha", 1), () => 1)), // biome-ignore format: an operator
  composed("Selu", exponential(
      (node) => node.float("alpha", 1.6732631921768188) * node.float("gamma", 1.0507010221481323),
      (node) => node.float("gamma", 1.0507010221481323),
  )), // biome-ignore format: an operator
  // log(1 + e^x) without a large e^x.
  composed("Softplus", (x, { run, number }) =>
    run(add, run(maximum, x, number(0)), run(log, run(add, run(exp, run(neg, run(abs, x))), number(1))))), // biome-ignore format: an operator
  composed("Softsign", (x, { run, number }) => run(div, x, run(add, run(abs, x), number(1)))),
  composed("Swish", (x, { node, run, number }) => {
    const alpha = node.float("alpha", 1)
    return alpha === 1 ? run(silu, x) : run(mul, x, run(sigmoid, run(mul, x, number(alpha))))
  }),
  composed("ThresholdedRelu", (x, { node, run, number }) =>
    run(where, run(greater, x, number(node.float("alpha", 1))), x, number(0))), // biome-ignore format: an operator
  defineLowering("Mean", (node) => {
    const count = node.node.input.length
    let sum = node.input(0)
    for (let i = 1; i < count; i++) sum = node.run(add, [sum, node.input(i)])
    node.set(0, node.run(div, [sum, node.graph.constant([], Float32Array.of(count))]))
  }),
  defineLowering("DepthToSpace", (node) => {
    const mode = node.text("mode", "DCR") as BlockMode
    moved(node, depthToSpace(node.input(0).shape, node.int("blocksize", 1), mode))
  }),
  defineLowering("SpaceToDepth", (node) => {
    moved(node, spaceToDepth(node.input(0).shape, node.int("blocksize", 1)))
  }),
  defineLowering("Trilu", (node) => {
    const x = node.input(0)
    const diagonal = node.knownOr(1, [0])[0]!
    const isUpper = node.int("upper", 1) === 1
    const [rows, cols] = x.shape.slice(-2) as [number, number]
    const kept = Uint32Array.from({ length: rows * cols }, (_, i) => {
      const distance = (i % cols) - Math.floor(i / cols)
      return Number(isUpper ? distance >= diagonal : distance <= diagonal)
    })
    const mask = node.graph.constant([rows, cols], kept)
    node.set(0, node.run(where, [mask, x, node.graph.constant([], wordsOf(x.dtype, [0]))]))
  }),
]
