import {
  type AnyKernel,
  add,
  copy,
  elems,
  less,
  matmul,
  mul,
  relu,
  sigmoid,
  sliced,
  sub,
  tanh,
  where,
  wholeView,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { unsupported } from "../unsupported.ts"
import { whole } from "./indices.ts"

/** Steps that are unrolled: a step is a dozen dispatches. */
const MOST_STEPS = 1000

interface State {
  h: Value
  /** An LSTM's cells. */
  c?: Value
}

/** One direction of a layer, all [batch, …]: what a step is made of. */
interface Direction {
  node: NodeLowering
  hidden: number
  /** [gates · hidden, hidden] and [gates · hidden] */
  r: Value
  bias: Value | undefined
  /** An LSTM's peepholes: [3 · hidden]. */
  peepholes: Value | undefined
  activations: readonly AnyKernel[]
}
type Step = (direction: Direction, x: Value, state: State) => State

const part = (node: NodeLowering, x: Value, axis: number, first: number, count: number) =>
  node.run(copy, [x], { from: sliced(wholeView(x.shape), axis, first, count) })

const kernels: Record<string, AnyKernel> = { sigmoid, tanh, relu }

/** `defaults`: the activations of a direction. `step` takes x · Wᵀ and the bias that goes with it. */
const layer = (operator: string, defaults: readonly string[], gates: number, step: Step) =>
  defineLowering(operator, (node) => {
    const [x, w, r] = [node.input(0), node.input(1), node.input(2)]
    const [seq, batch, size] = x.shape as [number, number, number]
    const [directions, , hidden] = r.shape as [number, number, number]
    for (const [name, found] of Object.entries({
      "its numbers are clipped": node.float("clip", 0) !== 0,
      "its batch comes first": node.int("layout", 0) === 1,
      "its gates are coupled": node.int("input_forget", 0) === 1,
      "its activations have parameters": node.floats("activation_alpha") ?? node.floats("activation_beta"),
      [`it has ${seq} steps, which is over ${MOST_STEPS}`]: seq > MOST_STEPS,
    }))
      if (found) throw unsupported(name)
    const names = node.texts("activations") ?? new Array(directions).fill(defaults).flat()
    const activations = names.map((name) => {
      const kernel = kernels[name.toLowerCase()]
      if (!kernel) throw unsupported(`its activation is ${name}`)
      return kernel
    })
    const zeros = (shape: readonly number[]) => node.graph.constant(shape, new Float32Array(elems(shape)))
    const room = (shape: readonly number[]): Value => ({
      dtype: "float32",
      shape,
      buffer: node.graph.buffer({ bytes: elems(shape) * 4 }),
    })
    const isUsed = (i: number) => Boolean(node.node.output[i]) && node.graph.isUsed(node.node.output[i]!)
    const [all, last, lastCells] = [
      room([seq, directions, batch, hidden]),
      room([directions, batch, hidden]),
      room([directions, batch, hidden]),
    ]
    const put = (into: Value, values: Value, places: readonly number[]) => {
      const to = places.reduce((view, place, axis) => sliced(view, axis, place, 1), wholeView(into.shape))
      node.run(copy, [node.reshaped(values, to.shape)], { to, shape: into.shape }, into)
    }
    const lengths = node.has(4) ? node.reshaped(node.input(4), [batch, 1]) : undefined
    const own = (i: number, d: number) =>
      node.has(i) ? node.reshaped(part(node, node.input(i), 0, d, 1), node.input(i).shape.slice(1)) : undefined

    for (let d = 0; d < directions; d++) {
      const biases = own(3, d)
      const half = (first: number) => biases && part(node, biases, 0, first * gates * hidden, gates * hidden)
      const weights = node.reshaped(part(node, w, 0, d, 1), [gates * hidden, size])
      const rows = node.run(matmul, [node.reshaped(x, [seq * batch, size]), weights, half(0)], { transposeB: true })
      const products = node.reshaped(rows, [seq, batch * gates * hidden])
      const direction: Direction = {
        node,
        hidden,
        r: node.reshaped(part(node, r, 0, d, 1), [gates * hidden, hidden]),
        bias: half(1),
        peepholes: own(7, d),
        activations: activations.slice(d * defaults.length, (d + 1) * defaults.length),
      }
      const isBackwards = d === 1 || node.text("direction", "forward") === "reverse"
      let state: State = { h: own(5, d) ?? zeros([batch, hidden]), c: own(6, d) ?? zeros([batch, hidden]) }
      for (let s = 0; s < seq; s++) {
        const t = isBackwards ? seq - 1 - s : s
        const next = step(direction, node.reshaped(part(node, products, 0, t, 1), [batch, gates * hidden]), state)
        if (!lengths) {
          state = next
          if (isUsed(0)) put(all, next.h, [t, d])
          continue
        }
        // Behind its end a sequence stays as it is, and gives 0.
        const isWithin = node.run(less, [whole(node, [], [t]), lengths])
        if (isUsed(0)) put(all, node.run(where, [isWithin, next.h, zeros([])]), [t, d])
        const kept = (now: Value, before: Value) => node.run(where, [isWithin, now, before])
        state = { h: kept(next.h, state.h), ...(next.c && { c: kept(next.c, state.c!) }) }
      }
      if (isUsed(1)) put(last, state.h, [d])
      if (isUsed(2)) put(lastCells, state.c!, [d])
    }
    node.set(0, all)
    node.set(1, last)
    node.set(2, lastCells)
  })

/** x + h · rᵀ + bias, for all gates or those of some rows of r. */
function sums({ node, r, bias }: Pick<Direction, "node" | "r" | "bias">, x: Value, h: Value): Value {
  return node.run(add, [x, node.run(matmul, [h, r, bias], { transposeB: true })])
}

export const recurrences = [
  layer("RNN", ["Tanh"], 1, (direction, x, { h }) => ({
    h: direction.node.run(direction.activations[0]!, [sums(direction, x, h)]),
  })),

  // Gates: input, output, forget, cell.
  layer("LSTM", ["Sigmoid", "Tanh", "Tanh"], 4, (direction, x, { h, c }) => {
    const { node, hidden, peepholes, activations } = direction
    const [f, g, out] = activations as [AnyKernel, AnyKernel, AnyKernel]
    const all = sums(direction, x, h)
    const gate = (i: number) => part(node, all, 1, i * hidden, hidden)
    /** Gate `i`, which sees cells through its peephole. */
    const opened = (i: number, cells: Value) => {
      const weights = peepholes && part(node, peepholes, 0, i * hidden, hidden)
      return node.run(f, [weights ? node.run(add, [gate(i), node.run(mul, [cells, weights])]) : gate(i)])
    }
    const kept = node.run(mul, [opened(2, c!), c!])
    const cells = node.run(add, [kept, node.run(mul, [opened(0, c!), node.run(g, [gate(3)])])])
    return { h: node.run(mul, [opened(1, cells), node.run(out, [cells])]), c: cells }
  }),

  // Gates: update, reset, hidden.
  layer("GRU", ["Sigmoid", "Tanh"], 3, (direction, x, { h }) => {
    const { node, hidden, r, bias, activations } = direction
    const [f, g] = activations as [AnyKernel, AnyKernel]
    const rows = (first: number, count: number) => ({
      node,
      r: part(node, r, 0, first * hidden, count * hidden),
      bias: bias && part(node, bias, 0, first * hidden, count * hidden),
    })
    const cols = (from: Value, first: number, count: number) => part(node, from, 1, first * hidden, count * hidden)
    const gates = node.run(f, [sums(rows(0, 2), cols(x, 0, 2), h)])
    const [update, reset] = [cols(gates, 0, 1), cols(gates, 1, 1)]
    const resetFirst = node.int("linear_before_reset", 0) === 0
    const product = (of: Value) => node.run(matmul, [of, rows(2, 1).r, rows(2, 1).bias], { transposeB: true })
    const shown = resetFirst ? product(node.run(mul, [reset, h])) : node.run(mul, [reset, product(h)])
    const fresh = node.run(g, [node.run(add, [cols(x, 2, 1), shown])])
    // (1 − update) · fresh + update · h
    return { h: node.run(add, [fresh, node.run(mul, [update, node.run(sub, [h, fresh])])]) }
  }),
]
