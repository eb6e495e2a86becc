/** Operators that make tensors from nothing but attributes and shapes. */
import { elementTypeNumber } from "../../element-type.ts"
import type { TensorProto } from "../../generated/onnx_pb.js"
import type { NodeContext } from "../context.ts"
import { fill } from "../elements.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { type Dim, elems, FLOAT, INT64, MAX_KNOWN_ELEMS, type Shape, storedValue, type Value, value } from "../value.ts"

function constant(node: NodeContext): Value {
  const stored = node.tensor("value")
  if (stored) return storedValue(stored)
  const one = (name: string, elem: number, x: number) => (node.has(name) ? value(elem, [], [x]) : undefined)
  const list = (elem: number, xs: number[] | undefined) => xs && value(elem, [xs.length], xs)
  const a = node.attribute("value_strings")
  const found =
    one("value_int", INT64, node.int("value_int", 0)) ??
    one("value_float", FLOAT, node.attribute("value_float")?.f ?? 0) ??
    (node.has("value_ints") ? list(INT64, node.ints("value_ints")) : undefined) ??
    (node.has("value_floats") ? list(FLOAT, node.floats("value_floats")) : undefined) ??
    (a ? value(elementTypeNumber("string"), [a.strings.length]) : undefined) ??
    (node.has("value_string") ? value(elementTypeNumber("string"), []) : undefined)
  if (!found) throw node.refusal("a value")
  return found
}

/** The shape that input `i`'s elements spell, as far as they are known. */
export function shapeFrom(node: NodeContext, i: number): Shape {
  const v = node.input(i)
  if (v.data) {
    return v.data.map((d): Dim => {
      if (d !== null && (!Number.isSafeInteger(d) || d < 0))
        throw node.refusal(`dimensions ≥ 0 in input ${i}, not ${d}`)
      return d
    })
  }
  const rank = v.shape?.length === 1 ? v.shape[0] : null
  return rank != null && rank <= MAX_KNOWN_ELEMS ? Array<Dim>(rank).fill(null) : null
}

const filled = (t: TensorProto | undefined): Value => (t ? storedValue(t) : value(FLOAT, [1], [0]))

function range(node: NodeContext): Value {
  const elem = node.input(0).elem
  const bounds = [0, 1, 2].map((i) => node.knownNumbers(i)?.[0])
  const [start, limit, delta] = bounds
  if (start === undefined || limit === undefined || delta === undefined) return value(elem, [null])
  if (delta === 0) throw node.refusal("a step other than 0")
  const n = Math.max(0, Math.ceil((limit - start) / delta))
  return value(
    elem,
    [n],
    fill([n], ([i]) => start + i! * delta),
  )
}

export const constants: readonly OperatorDefinition[] = [
  defineOperator({ names: "Constant", infer: (node) => [constant(node)], bytes: 0 }),
  defineOperator({
    names: "ConstantOfShape",
    infer(node) {
      const shape = shapeFrom(node, 0)
      const { elem, data } = filled(node.tensor("value"))
      return [
        value(
          elem,
          shape,
          fill(shape, () => data?.[0] ?? null),
        ),
      ]
    },
  }),
  defineOperator({
    names: "Shape",
    infer(node) {
      const { shape } = node.input(0)
      if (!shape) return [value(INT64, [null])]
      const clamp = (a: number) => Math.min(Math.max(a < 0 ? a + shape.length : a, 0), shape.length)
      const part = shape.slice(clamp(node.int("start", 0)), clamp(node.int("end", shape.length)))
      return [value(INT64, [part.length], part)]
    },
    bytes: 0,
  }),
  defineOperator({ names: "Size", infer: (node) => [value(INT64, [], [elems(node.input(0).shape)])], bytes: 0 }),
  defineOperator({ names: "Range", infer: (node) => [range(node)] }),
  defineOperator({
    names: "EyeLike",
    infer: (node) => [value(node.int("dtype", node.input(0).elem), node.input(0).shape)],
  }),
  defineOperator({
    names: "NonZero",
    infer(node) {
      const { shape } = node.input(0)
      return [value(INT64, shape ? [shape.length, null] : null)]
    },
  }),
  defineOperator({
    names: "OneHot",
    infer(node) {
      const [indices, values] = [node.input(0), node.input(2)]
      if (!indices.shape) return [value(values.elem, null)]
      const at = node.axis(node.int("axis", -1), indices.shape.length + 1)
      const depth = node.knownNumbers(1)?.[0]
      return [value(values.elem, indices.shape.toSpliced(at, 0, depth === undefined ? null : Math.trunc(depth)))]
    },
  }),
  defineOperator({ names: "Trilu", infer: (node) => [value(node.input(0).elem, node.input(0).shape)] }),
]
