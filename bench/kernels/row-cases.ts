/** Operations along the rows of a matrix, or element by element: memory decides, not arithmetic. */
import { int, int64s, type OperationCase, operation, plainly } from "./operation.ts"

type Declared = Parameters<typeof operation>[0]
interface Rows extends Omit<Declared, "name" | "shapes" | "output" | "flops"> {
  name: string
  size: readonly [rows: number, cols: number]
  /** Columns of the result, where they are others. */
  result?: number
  /** Operations an element. */
  each: number
  /** Shapes of the other inputs. */
  more?: number[][]
}

const alongRows = (
  { name, size: [rows, cols], result = cols, each, more = [], ...rest }: Rows,
  open: OperationCase["open"],
) =>
  operation(
    {
      name: `${name} ${rows}x${cols} f32`,
      shapes: [[rows, cols], ...more],
      output: [rows, result],
      flops: each * rows * cols,
      ...rest,
    },
    open,
  )

export const softmax = (rows: number, cols: number) =>
  alongRows(
    { name: "softmax", measures: ["softmax"], size: [rows, cols], each: 5, node: { opType: "Softmax" } },
    plainly((gpu, [x]) => gpu.softmax(x!)),
  )

export const layerNorm = (rows: number, cols: number) =>
  alongRows(
    {
      name: "layer norm",
      measures: ["norm"],
      size: [rows, cols],
      more: [[cols], [cols]],
      each: 8,
      node: { opType: "LayerNormalization" },
    },
    plainly((gpu, [x, w, bias]) => gpu.layerNorm(x!, w!, bias)),
  )

const FLOAT = 1
const INT32 = 6
/** `type` is a number of TensorProto.DataType. */
const cast = (type: number) => ({ opType: "Cast", attribute: [int("to", type)] })

const rms = alongRows(
  {
    name: "rms norm",
    measures: ["norm"],
    size: [512, 768],
    more: [[768]],
    each: 5,
    node: { opType: "SimplifiedLayerNormalization" },
  },
  plainly((gpu, [x, w]) => gpu.rmsNorm(x!, w!)),
)

const sum = alongRows(
  {
    name: "sum",
    measures: ["reduce"],
    size: [512, 1024],
    result: 1,
    each: 1,
    node: { opType: "ReduceSum" },
    weights: [int64s("axes", [1], [1])],
  },
  plainly((gpu, [x]) => gpu.reduceSum(x!)),
)

const largest = alongRows(
  {
    name: "arg max",
    measures: ["arg"],
    size: [512, 1024],
    result: 1,
    each: 1,
    node: { opType: "ArgMax", attribute: [int("axis", 1)] },
    after: [cast(FLOAT)],
  },
  plainly(async (gpu, [x]) => {
    const at = await gpu.argMax(x!)
    const y = await gpu.cast(at, { to: "float32" })
    at.destroy()
    return y
  }),
)

/** The largest along rows, or all of them in order: where they lie. */
const top = (name: string, count: number, cols: number) =>
  alongRows(
    {
      name,
      measures: ["sort", "sort-merge"],
      size: [8, cols],
      result: count,
      each: Math.log2(cols),
      node: { opType: "TopK" },
      weights: [int64s("count", [1], [count])],
      ahead: ["values"],
      after: [cast(FLOAT)],
    },
    plainly(async (gpu, [x]) => {
      const { values, indices } = await gpu.topK(x!, { count })
      const y = await gpu.cast(indices, { to: "float32" })
      for (const made of [values, indices]) made.destroy()
      return y
    }),
  )
const TOP = 50
const tops = [top(`top ${TOP} of`, TOP, 1024), top("sort", 4096, 4096)]

const running = alongRows(
  {
    name: "running sum",
    measures: ["cum-sum"],
    size: [512, 1024],
    each: 1,
    node: { opType: "CumSum" },
    weights: [int64s("axis", [], [1])],
  },
  plainly((gpu, [x]) => gpu.cumSum(x!)),
)

const add = alongRows(
  { name: "add a row to", measures: ["binary"], size: [512, 1024], more: [[1024]], each: 1, node: { opType: "Add" } },
  plainly((gpu, [a, b]) => gpu.add(a!, b!)),
)

const gelu = alongRows(
  { name: "gelu", measures: ["unary"], size: [512, 1024], each: 20, node: { opType: "Gelu" } },
  plainly((gpu, [x]) => gpu.gelu(x!)),
)

const whole = alongRows(
  {
    name: "to int32 and back",
    measures: ["cast"],
    size: [512, 1024],
    each: 1,
    node: cast(INT32),
    after: [cast(FLOAT)],
  },
  plainly(async (gpu, [x]) => {
    const cut = await gpu.cast(x!, { to: "int32" })
    const y = await gpu.cast(cut, { to: "float32" })
    cut.destroy()
    return y
  }),
)

const bits = (count: number) => Uint8Array.from({ length: count }, (_, i) => (i % 3 === 0 ? 1 : 0))
const where = alongRows(
  {
    name: "where",
    measures: ["where"],
    size: [512, 1024],
    more: [[512, 1024]],
    each: 0,
    node: { opType: "Where" },
    weights: [{ name: "condition", dims: [512, 1024], data: bits(512 * 1024), dtype: "bool" }],
    takes: ["condition", "a", "b"],
  },
  (gpu, [a, b]) => {
    const condition = gpu.tensor({ dtype: "uint32", shape: [512, 1024], data: Uint32Array.from(bits(512 * 1024)) })
    return () => gpu.where(condition, a!, b!)
  },
)

export const rowCases: readonly OperationCase[] = [rms, sum, largest, ...tops, running, add, gelu, whole, where]
