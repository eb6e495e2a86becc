import { createHash } from "node:crypto"
import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { type ModelProto, ModelProtoSchema } from "../../graph/generated/onnx_pb.js"
import { writeModel } from "../../graph/index.ts"
import { AccelerateError } from "../../protocol/errors/index.ts"

export type ModelInit = MessageInitShape<typeof ModelProtoSchema>
type GraphInit = NonNullable<ModelInit["graph"]>

const FLOAT = 1

export const tensorType = (dims: (number | bigint | string)[], elemType = FLOAT) => ({
  value: {
    case: "tensorType" as const,
    value: {
      elemType,
      shape: {
        dim: dims.map((d) =>
          typeof d === "string"
            ? { value: { case: "dimParam" as const, value: d } }
            : { value: { case: "dimValue" as const, value: BigInt(d) } },
        ),
      },
    },
  },
})

/** x float32 [2, 3] → Add(x, w) → y, with `graph` and `model` over it. */
export function tinyModel(graph: GraphInit = {}, model: ModelInit = {}): ModelProto {
  return create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: "", version: 17n }],
    graph: {
      node: [{ opType: "Add", input: ["x", "w"], output: ["y"], name: "add" }],
      initializer: [{ name: "w", dims: [3n], dataType: FLOAT, rawData: new Uint8Array(12) }],
      input: [{ name: "x", type: tensorType([2, 3]) }],
      output: [{ name: "y", type: tensorType([2, 3]) }],
      ...(graph as object),
    },
    ...(model as object),
  })
}

export const tinyBytes = (graph?: GraphInit, model?: ModelInit): Uint8Array => writeModel(tinyModel(graph, model))

/** A function of the domain `own` from a to b0 that calls each of `calls`, functions there or Relu, with a. */
export const functionOf = (name: string, ...calls: string[]) => ({
  name,
  domain: "own",
  input: ["a"],
  output: ["b0"],
  node: calls.map((opType, i) => ({
    opType,
    domain: opType === "Relu" ? "" : "own",
    input: ["a"],
    output: [`b${i}`],
  })),
  opsetImport: [{ domain: "own", version: 1n }],
})

/** `n` functions f0, f1 …, each of which calls the next `calls` times, and the last of them f, which calls Relu. */
export const functionChain = (n: number, calls = 1) => [
  ...Array.from({ length: n }, (_, i) =>
    functionOf(`f${i}`, ...Array<string>(calls).fill(i + 1 < n ? `f${i + 1}` : "f")),
  ),
  functionOf("f", "Relu"),
]

/** x → f0(x) → y. */
export const withFunctions = (functions: NonNullable<ModelInit["functions"]>): Uint8Array =>
  tinyBytes(
    { node: [{ opType: "f0", domain: "own", input: ["x"], output: ["y"] }] },
    {
      opsetImport: [
        { domain: "", version: 17n },
        { domain: "own", version: 1n },
      ],
      functions,
    },
  )

/** `calls` calls of a function of `names` inputs, each with one of them: x → f0(x) → y. */
export const widelyCalled = (calls: number, names: number): Uint8Array =>
  tinyBytes(
    {
      node: Array.from({ length: calls }, (_, i) => ({
        opType: "f0",
        domain: "own",
        input: ["x"],
        output: [i === 0 ? "y" : `y${i}`],
      })),
    },
    {
      opsetImport: [
        { domain: "", version: 17n },
        { domain: "own", version: 1n },
      ],
      functions: [
        { ...functionOf("f0", "Relu"), input: ["a", ...Array.from({ length: names - 1 }, (_, i) => `a${i}`)] },
      ],
    },
  )

/** A protobuf varint. */
export function varint(value: number): number[] {
  const out: number[] = []
  let v = value
  while (v >= 128) {
    out.push((v % 128) | 128)
    v = Math.floor(v / 128)
  }
  return [...out, v]
}

/** A length-delimited field. */
export function field(number: number, payload: ArrayLike<number>): Uint8Array {
  const head = [...varint(number * 8 + 2), ...varint(payload.length)]
  const out = new Uint8Array(head.length + payload.length)
  out.set(head)
  out.set(payload, head.length)
  return out
}

/** A CAR of one block. Its first byte says, to who takes it for ONNX, that a graph comes. */
export function carOf(block: Uint8Array): Uint8Array {
  // CIDv1, raw, sha2-256 of 32 bytes.
  const cid = Uint8Array.of(1, 0x55, 0x12, 32, ...createHash("sha256").update(block).digest())
  const text = (s: string) => new TextEncoder().encode(s)
  const header = [0xa2, 0x65, ...text("roots"), 0x81, 0xd8, 0x2a, 0x58, 37, 0, ...cid, 0x67, ...text("version"), 1]
  return Uint8Array.of(...varint(header.length), ...header, ...varint(cid.length + block.length), ...cid, ...block)
}

export interface Refusal {
  code: string
  path: unknown
  expected: unknown
  /** Of computing: others may have the machine meanwhile. */
  ms: number
}

/** Runs `act`, which must throw one of our errors and nothing else, and says which and how long that took. */
export function refusal(act: () => unknown): Refusal {
  const start = process.cpuUsage()
  try {
    act()
  } catch (error) {
    if (!(error instanceof AccelerateError)) throw error
    const { user, system } = process.cpuUsage(start)
    return { code: error.code, path: error.data.path, expected: error.data.expected, ms: (user + system) / 1000 }
  }
  throw new Error("the model was accepted")
}
