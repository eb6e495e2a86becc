/** What language models are made of, as single operations: ONNX Runtime's own operators, and the kernels that our backend runs for them. */
import {
  type GroupFormat,
  layoutOf,
  packedWords,
  permuted,
  ropeTables,
  wholeView,
  writeGroup,
} from "../../kernels/index.ts"
import { model, value } from "../../test/conformance/tiny-models.ts"
import { floats, int, int64s, type OperationCase, operation } from "./operation.ts"

const domain = "com.microsoft"
const int32 = (name: string, number: number) => ({
  name,
  dims: [1],
  data: new Uint8Array(Int32Array.of(number).buffer),
  dtype: "int32" as const,
})

const GROUP = 32
const FORMAT = "q4g32" satisfies GroupFormat
/** Such as float16 holds, so that both sides have the same. */
const scaleOf = (group: number) => ((group % 7) + 1) / 64
/** The 16 bytes of a group, two weights in each, the first in the low bits. */
const byteOf = (i: number) => (i * 37) % 256

/** A vector times weights [n, k] of 4 bits in groups of 32, each with a scale: MatMulNBits. */
export function gemv4bit(n: number, k: number): OperationCase {
  const groups = (n * k) / GROUP
  const quants = () => Uint8Array.from({ length: (n * k) / 2 }, (_, i) => byteOf(i))
  return {
    name: `gemv ${n}x${k} 4-bit g32`,
    measures: ["packed-matmul"],
    inputs: { x: [1, k] },
    output: [1, n],
    flops: 2 * n * k,
    bytes: (n * k) / 2 + 2 * groups + 4 * (n + k),
    model: () =>
      model({
        inputs: [value("x", "float32", [1, k])],
        outputs: [value("y", "float32", [1, n])],
        nodes: [
          {
            domain,
            opType: "MatMulNBits",
            input: ["x", "w", "scales"],
            output: ["y"],
            attribute: [int("N", n), int("K", k), int("bits", 4), int("block_size", GROUP)],
          },
        ],
        weights: [
          { name: "w", dims: [n, k / GROUP, GROUP / 2], data: quants(), dtype: "uint8" },
          { name: "scales", dims: [groups], data: Float32Array.from({ length: groups }, (_, i) => scaleOf(i)) },
        ],
      }),
    open(gpu, [x]) {
      const words = new Uint32Array(packedWords(FORMAT, n, k))
      const all = quants()
      for (let i = 0; i < groups; i++) {
        const bytes = all.subarray((i * GROUP) / 2, ((i + 1) * GROUP) / 2)
        const own = Array.from({ length: GROUP }, (_, j) => (bytes[j >> 1]! >> (4 * (j & 1))) & 15)
        // 8 is the middle, which MatMulNBits takes where a model gives no zero points.
        writeGroup(words, i, layoutOf(FORMAT), { scale: scaleOf(i), zero: 8, quants: own })
      }
      const w = gpu.packed({ format: FORMAT, shape: [n, k], words })
      return () => gpu.packedMatmul(x!, w)
    },
  }
}

/** Rows times weights [k, n] of 8 bits with a scale a column, as quantizers write them: DequantizeLinear and MatMul. */
export function matmul8bit(m: number, k: number, n: number): OperationCase {
  const bytes = () => Uint8Array.from({ length: k * n }, (_, i) => byteOf(i))
  return {
    name: `matmul ${m}x${k}x${n} 8-bit QDQ`,
    measures: ["packed-matmul"],
    inputs: { x: [m, k] },
    output: [m, n],
    flops: 2 * m * k * n,
    bytes: k * n + 4 * (n + m * (k + n)),
    model: () =>
      model({
        inputs: [value("x", "float32", [m, k])],
        outputs: [value("y", "float32", [m, n])],
        nodes: [
          { opType: "DequantizeLinear", input: ["q", "scales", "points"], output: ["w"], attribute: [int("axis", 1)] },
          { opType: "MatMul", input: ["x", "w"], output: ["y"] },
        ],
        weights: [
          { name: "q", dims: [k, n], data: bytes(), dtype: "uint8" },
          { name: "scales", dims: [n], data: Float32Array.from({ length: n }, (_, i) => scaleOf(i)) },
          { name: "points", dims: [n], data: new Uint8Array(n).fill(128), dtype: "uint8" },
        ],
      }),
    open(gpu, [x]) {
      const [format, group] = ["q8g128", 128] as const
      const groups = Math.ceil(k / group)
      const words = new Uint32Array(packedWords(format, n, k))
      const all = bytes()
      for (let i = 0; i < n * groups; i++) {
        const [col, first] = [Math.floor(i / groups), (i % groups) * group]
        const own = Array.from({ length: Math.min(group, k - first) }, (_, j) => all[(first + j) * n + col]!)
        writeGroup(words, i, layoutOf(format), { scale: scaleOf(col), zero: 128, quants: own })
      }
      const w = gpu.packed({ format, shape: [n, k], words })
      return () => gpu.packedMatmul(x!, w)
    },
  }
}

const SIZE = 128
/** A workgroup for so many keys of a cache. */
const KEYS_EACH = 256

/** One more token of a sequence that then has `context`, over a cache that both sides write it into: GroupQueryAttention with past and present in one buffer. */
export function attentionDecode(heads: number, kvHeads: number, context: number): OperationCase {
  const [query, one, cache] = [
    [1, 1, heads * SIZE],
    [1, 1, kvHeads * SIZE],
    [1, kvHeads, context, SIZE],
  ] as const
  const inputs = { q: [...query], k: [...one], v: [...one], past_k: [...cache], past_v: [...cache] }
  return {
    name: `attention decode ${heads}h ${kvHeads}kv ${context}ctx`,
    measures: ["attention", "attention-merge", "kv-append"],
    inputs,
    output: [...query],
    flops: 4 * heads * context * SIZE,
    bytes: 4 * SIZE * (2 * kvHeads * context + 2 * heads + 4 * kvHeads),
    inPlace: { now_k: "past_k", now_v: "past_v" },
    model: () =>
      model({
        inputs: Object.entries(inputs).map(([name, shape]) => value(name, "float32", shape)),
        outputs: [value("y", "float32", query), value("now_k", "float32", cache), value("now_v", "float32", cache)],
        nodes: [
          {
            domain,
            opType: "GroupQueryAttention",
            input: [...Object.keys(inputs), "before", "total"],
            output: ["y", "now_k", "now_v"],
            attribute: [int("num_heads", heads), int("kv_num_heads", kvHeads)],
          },
        ],
        weights: [int32("before", context - 1), int32("total", context)],
      }),
    open(gpu, [q, k, v, pastK, pastV]) {
      const heads1 = (x: typeof q, count: number) => x!.share([1, count, 1, SIZE])
      const [queries, key, val] = [heads1(q, heads), heads1(k, kvHeads), heads1(v, kvHeads)]
      const sequence = (tokens: number) => gpu.tensor({ dtype: "int32", shape: [1, 2], data: Int32Array.of(tokens, 0) })
      const [before, now] = [sequence(context - 1), sequence(context)]
      return async () => {
        await gpu.kvAppend(key, before, pastK!)
        await gpu.kvAppend(val, before, pastV!)
        const given = { q: queries, k: pastK!, v: pastV!, sequences: now }
        return gpu.attention(given, { causal: true, splits: Math.ceil(context / KEYS_EACH) })
      }
    },
  }
}

const PROMPT_SIZE = 64

/** A prompt's tokens over each other: MultiHeadAttention. */
export function attentionPrefill(heads: number, tokens: number): OperationCase {
  const shape = [1, tokens, heads * PROMPT_SIZE]
  const input = ["q", "k", "v"]
  return {
    name: `attention prefill ${heads}h ${tokens} tokens`,
    measures: ["attention"],
    inputs: Object.fromEntries(input.map((name) => [name, shape])),
    output: shape,
    flops: 4 * heads * tokens * tokens * PROMPT_SIZE,
    bytes: 4 * 4 * heads * tokens * PROMPT_SIZE,
    model: () =>
      model({
        inputs: input.map((name) => value(name, "float32", shape)),
        outputs: [value("y", "float32", shape)],
        nodes: [{ domain, opType: "MultiHeadAttention", input, output: ["y"], attribute: [int("num_heads", heads)] }],
      }),
    open(gpu, inputs) {
      const turned = (shape: number[]) => ({ from: permuted(wholeView(shape), [0, 2, 1, 3]) })
      const given = inputs.map((x) => x.share([1, tokens, heads, PROMPT_SIZE]))
      return async () => {
        const [q, k, v] = await Promise.all(given.map((x) => gpu.copy(x, turned([...x.shape]))))
        const y = await gpu.attention({ q: q!, k: k!, v: v! })
        const result = await gpu.copy(y, turned([...y.shape]))
        for (const one of [q!, k!, v!, y]) one.destroy()
        return result
      }
    },
  }
}

/** A prompt's queries turned by their places: RotaryEmbedding. */
export function rope(heads: number, tokens: number): OperationCase {
  const shape = [1, heads, tokens, PROMPT_SIZE]
  const tables = ropeTables({ dims: PROMPT_SIZE, positions: tokens })
  const rows = [tokens, PROMPT_SIZE / 2]
  const positions = Array.from({ length: tokens }, (_, i) => i)
  return operation(
    {
      name: `rope ${heads}h ${tokens} tokens f32`,
      measures: ["rope"],
      shapes: [shape],
      output: shape,
      flops: 3 * heads * tokens * PROMPT_SIZE,
      node: { domain, opType: "RotaryEmbedding" },
      weights: [
        int64s("positions", [1, tokens], positions),
        floats("cos", rows, [...tables.cos]),
        floats("sin", rows, [...tables.sin]),
      ],
    },
    (gpu, [x]) => {
      const table = (data: Float32Array<ArrayBuffer>) => gpu.tensor({ dtype: "float32", shape: rows, data })
      const [cos, sin] = [table(tables.cos), table(tables.sin)]
      const at = gpu.tensor({ dtype: "int32", shape: [1, tokens], data: Int32Array.from(positions) })
      return () => gpu.rope(x!, { cos, sin }, at)
    },
  )
}
