import { describe, expect, test } from "vitest"
import { float, type Input, int, of, onOneDevice, ours, stored, tensor } from "./single-node.ts"

const { agree, runtime } = onOneDevice()
const software = onOneDevice({ asSoftware: true })

const domain = "com.microsoft"
const numbers = (shape: number[], seed: number) => tensor("float32", shape, -1, 1, seed)
const int32 = (shape: number[], list: number[]) => of("int32", shape, list)
/** The tables of `dims` dimensions for 16 positions. */
const tables = (dims: number, turn: (angle: number) => number) =>
  stored(
    of(
      "float32",
      [16, dims / 2],
      Array.from({ length: 8 * dims }, (_, i) =>
        turn(Math.floor(i / (dims / 2)) / 10 ** ((2 * (i % (dims / 2))) / dims)),
      ),
    ),
  )
const rotary = (dims: number) => [tables(dims, Math.cos), tables(dims, Math.sin)]
const outputs = [["float32", 3], ["float32", 4], ["float32", 4]] as [["float32", 3], ["float32", 4], ["float32", 4]] // biome-ignore format: a list

/** 4 heads of 16 on 2 heads of keys: a step of `seq` tokens behind `past` that the cache has, `lengths` tokens in all, the longest `total`. */
function grouped(seq: number, past: number, total: number, lengths: number[], more: (Input | null)[] = []) {
  const batch = lengths.length
  const cache = (seed: number) => (past === 0 ? null : numbers([batch, 2, past, 16], seed))
  return {
    domain,
    outputs,
    inputs: [
      numbers([batch, seq, 64], 1),
      numbers([batch, seq, 32], 2),
      numbers([batch, seq, 32], 3),
      cache(4),
      cache(5),
      int32([batch], lengths.map((length) => length - 1)), // biome-ignore format: an input
      stored(int32([1], [total])),
      ...more,
    ],
  }
}
const heads = [int("num_heads", 4), int("kv_num_heads", 2)]

agree("GroupQueryAttention", {
  "a prompt": { ...grouped(5, 0, 5, [5]), attributes: heads },
  "a prompt, packed, turned by its positions": {
    ...grouped(5, 0, 5, [5]),
    attributes: [...heads, int("do_rotary", 1)],
    inputs: [numbers([1, 5, 128], 1), null, null, null, null, int32([1], [4]), stored(int32([1], [5])), ...rotary(16)],
  },
  "a token behind others, turned in pairs": {
    ...grouped(1, 6, 7, [7], rotary(16)),
    attributes: [...heads, int("do_rotary", 1), int("rotary_interleaved", 1)],
  },
  "a token in a cache with room for more": {
    ...grouped(1, 12, 7, [7], rotary(16)),
    attributes: [...heads, int("do_rotary", 1)],
    compared: 1,
  },
  "sequences of different lengths": {
    ...grouped(1, 6, 7, [7, 5], rotary(16)),
    attributes: [...heads, int("do_rotary", 1)],
    compared: 1,
  },
  "a window, a scale, capped scores": {
    ...grouped(3, 6, 9, [9]),
    attributes: [...heads, int("local_window_size", 4), float("scale", 0.5), float("softcap", 1.5)],
  },
  "more keys than one workgroup takes": { ...grouped(1, 1030, 1031, [1031]), attributes: heads },
  "a bias, and a softmax that may leave a rest": {
    ...grouped(3, 6, 9, [9], [null, null, null, numbers([1, 4, 3, 9], 6)]),
    attributes: [...heads, int("smooth_softmax", 1)],
  },
  sinks: {
    ...grouped(3, 6, 9, [9], [null, null, null, null, numbers([4], 7)]),
    attributes: heads,
  },
})

agree("MultiHeadAttention", {
  "of its own tokens": {
    domain,
    attributes: [int("num_heads", 4)],
    inputs: [numbers([2, 5, 32], 1), numbers([2, 5, 32], 2), numbers([2, 5, 32], 3)],
    outputs: [["float32", 3]],
  },
  "values of another size, a bias of the projections and one of the scores": {
    domain,
    attributes: [int("num_heads", 4)],
    inputs: [
      numbers([2, 5, 32], 1),
      numbers([2, 7, 32], 2),
      numbers([2, 7, 24], 3),
      numbers([88], 4),
      null,
      numbers([1, 4, 5, 7], 5),
    ],
    outputs: [["float32", 3]],
  },
  "of another model's keys, some of them padding": {
    domain,
    attributes: [int("num_heads", 4)],
    inputs: [
      numbers([2, 3, 32], 1),
      numbers([2, 4, 5, 8], 2),
      numbers([2, 4, 5, 8], 3),
      null,
      int32([2, 5], [1, 1, 1, 0, 0, 1, 1, 1, 1, 0]),
    ],
    outputs: [["float32", 3]],
  },
  "behind what a cache has, each token after those before it": {
    domain,
    attributes: [int("num_heads", 4), int("unidirectional", 1)],
    inputs: [
      numbers([2, 3, 32], 1),
      numbers([2, 3, 32], 2),
      numbers([2, 3, 32], 3),
      null,
      null,
      null,
      numbers([2, 4, 6, 8], 4),
      numbers([2, 4, 6, 8], 5),
    ],
    outputs,
  },
})

// Software adapters compute prompts by products of matrices.
software.agree("MultiHeadAttention", {
  "of its own tokens, each after those before it": {
    domain,
    attributes: [int("num_heads", 4), int("unidirectional", 1)],
    inputs: [numbers([2, 9, 32], 1), numbers([2, 9, 32], 2), numbers([2, 9, 32], 3)],
    outputs: [["float32", 3]],
  },
  "of another model's tokens, with a scale": {
    domain,
    attributes: [int("num_heads", 4), float("scale", 0.5)],
    inputs: [numbers([2, 3, 32], 1), numbers([2, 7, 32], 2), numbers([2, 7, 24], 3)],
    outputs: [["float32", 3]],
  },
})
software.agree("GroupQueryAttention", {
  "tokens behind others, each after those before it": { ...grouped(3, 6, 9, [9]), attributes: heads },
  "capped scores, which products have not": {
    ...grouped(3, 6, 9, [9]),
    attributes: [...heads, float("softcap", 1.5)],
  },
})

describe("MultiHeadAttention on our kernels", () => {
  const x = numbers([2, 5, 4, 3, 8], 1)
  /** Some of queries, keys and values, packed as they are in x. */
  const packed = (parts: number[]) => {
    const rows = Array.from({ length: 40 }, (_, row) => parts.flatMap((part) => [...(x.data as Float32Array).subarray((3 * row + part) * 8, (3 * row + part + 1) * 8)])) // biome-ignore format: a table
    return of("float32", parts.length === 1 ? [2, 5, 32] : [2, 5, 4, parts.length, 8], rows.flat())
  }
  const attended = async (inputs: Input[]) => {
    const given = { operator: "MultiHeadAttention", domain, attributes: [int("num_heads", 4)], inputs }
    return (await ours(runtime(), { ...given, outputs: [["float32", 3]] })).y0!.data
  }
  // onnxruntime-node has these packings on GPUs alone.
  test("gives for packed inputs what it gives for each apart", async () => {
    const apart = await attended([packed([0]), packed([1]), packed([2])])
    expect(await attended([packed([0]), packed([1, 2])])).toEqual(apart)
    expect(await attended([x])).toEqual(apart)
  })
})

agree("RotaryEmbedding", {
  "whole heads, each token's position given": {
    domain,
    inputs: [numbers([2, 3, 32], 1), of("int64", [2, 3], [0, 5, 2, 15, 1, 7]), ...rotary(8)],
    outputs: [["float32", 3]],
  },
  "part of each head, in pairs, from a position on": {
    domain,
    attributes: [int("num_heads", 2), int("rotary_embedding_dim", 8), int("interleaved", 1)],
    inputs: [numbers([2, 3, 32], 1), of("int64", [1], [4]), ...rotary(8)],
    outputs: [["float32", 3]],
  },
  "heads in front of the tokens": {
    domain,
    inputs: [numbers([2, 4, 3, 8], 1), of("int64", [1], [2]), ...rotary(8)],
    outputs: [["float32", 4]],
  },
})

const weights = (size: number, seed: number) => stored(tensor("float32", [size], 0.5, 1.5, seed))
agree("SkipLayerNormalization", {
  "all that it may add": {
    domain,
    attributes: [float("epsilon", 1e-5)],
    inputs: [numbers([2, 3, 20], 1), numbers([2, 3, 20], 2), weights(20, 3), weights(20, 4), weights(20, 5)],
    outputs: [["float32", 3], null, null, ["float32", 3]],
  },
})
agree("SkipSimplifiedLayerNormalization", {
  "with the sum that it makes": {
    domain,
    attributes: [float("epsilon", 1e-5)],
    inputs: [numbers([2, 3, 20], 1), numbers([2, 3, 20], 2), weights(20, 3)],
    outputs: [["float32", 3], null, null, ["float32", 3]],
  },
})
agree("SimplifiedLayerNormalization", {
  "over the last axis": { inputs: [numbers([2, 3, 20], 1), weights(20, 3)], outputs: [["float32", 3]] },
})
for (const [operator, more] of [["Gelu", []], ["BiasGelu", [weights(20, 2)]], ["FastGelu", [weights(20, 2)]], ["QuickGelu", []]] as const) // biome-ignore format: a table
  agree(operator, { "numbers around 0": { domain, inputs: [tensor("float32", [3, 20], -4, 4), ...more], outputs: [["float32", 2]] } }) // biome-ignore format: a case

const table = (shape: number[], seed: number) => stored(tensor("uint8", shape, 0, 255, seed))
/** Numbers of 4 bits, two to a byte. */
const nibbles = (dtype: "int4" | "uint4", shape: number[], seed: number): Input => ({
  ...table([Math.ceil(shape.reduce((n, dim) => n * dim, 1) / 2)], seed),
  dtype,
  shape,
})
const scales = (shape: number[]) => stored(tensor("float32", shape, 0.01, 0.1, 9))
const blocks = (size: number, bits = 4) => [int("block_size", size), int("bits", bits), int("quantize_axis", 1)]
const picks = of("int64", [2, 3], [0, 6, -1, 3, -7, 6])
const rows = [["float32", 3]] as [["float32", 3]]
agree("GatherBlockQuantized", {
  "bytes of two numbers, in the middle unless zero points are given": {
    domain,
    attributes: blocks(32),
    inputs: [table([7, 40], 1), picks, scales([7, 3])],
    outputs: rows,
  },
  "zero points, packed row by row": {
    domain,
    attributes: blocks(32),
    inputs: [table([7, 40], 1), picks, scales([7, 3]), table([7, 2], 2)],
    outputs: rows,
  },
  "whole bytes, blocks longer than our groups": {
    domain,
    attributes: blocks(256, 8),
    inputs: [table([7, 300], 1), picks, scales([7, 2]), table([7, 2], 2)],
    outputs: rows,
  },
  "int4 around 0": {
    domain,
    attributes: blocks(64),
    inputs: [nibbles("int4", [7, 70], 1), picks, scales([7, 2])],
    outputs: rows,
  },
  "int4 with zero points, packed one after the other": {
    domain,
    attributes: blocks(32),
    inputs: [nibbles("int4", [7, 80], 1), picks, scales([7, 3]), nibbles("int4", [7, 3], 2)],
    outputs: rows,
  },
  "uint4 from 0 up": {
    domain,
    attributes: blocks(32),
    inputs: [nibbles("uint4", [7, 64], 1), of("int32", [2, 3], [0, 6, -1, 3, -7, 6]), scales([7, 2])],
    outputs: rows,
  },
})

describe("GatherBlockQuantized on our kernels", () => {
  const given = { operator: "GatherBlockQuantized", domain, outputs: rows }
  test.each<[string, Input[], number, RegExp]>([
    ["blocks shorter than our groups", [table([7, 40], 1), picks, scales([7, 5])], 16, /4 bits in blocks of 16/],
    ["tables of matrices", [nibbles("uint4", [7, 2, 32], 1), picks, scales([7, 2, 1])], 32, /rows of a matrix/],
  ])("%s are refused with the reason", async (_, inputs, size, reason) => {
    const attributes = [...blocks(size).slice(0, 2), int("quantize_axis", -1)]
    await expect(ours(runtime(), { ...given, inputs, attributes })).rejects.toThrow(reason)
  })
})
