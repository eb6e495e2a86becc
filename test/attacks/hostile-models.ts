import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { GraphProtoSchema, type NodeProtoSchema } from "../../graph/generated/onnx_pb.js"
import { tensorType, tinyBytes } from "./onnx-build.ts"

/** Valid ONNX models, x float32 [1] → y, each of which passes validation and is too much to run. */

const INT64 = 7
const BOOL = 9
/** Square of a side of so many floats: 64 GiB. */
const HUGE = 2 ** 17

type NodeInit = MessageInitShape<typeof NodeProtoSchema>

const int64s = (name: string, dims: number[], ...values: (number | bigint)[]) => ({
  name,
  dims: dims.map(BigInt),
  dataType: INT64,
  int64Data: values.map(BigInt),
})
const model = (node: NodeInit[], initializer: ReturnType<typeof int64s>[], y: (number | string)[]) =>
  tinyBytes({
    node,
    initializer: initializer as never,
    input: [{ name: "x", type: tensorType([1]) }],
    output: [{ name: "y", type: tensorType(y) }],
  })

/** A Loop of 2⁶² turns. */
export function endless(): Uint8Array {
  const body = create(GraphProtoSchema, {
    name: "body",
    node: [
      { opType: "Identity", input: ["again"], output: ["again_out"] },
      { opType: "Add", input: ["v", "v"], output: ["v_out"] },
    ],
    input: [
      { name: "turn", type: tensorType([], INT64) },
      { name: "again", type: tensorType([], BOOL) },
      { name: "v", type: tensorType([1]) },
    ],
    output: [
      { name: "again_out", type: tensorType([], BOOL) },
      { name: "v_out", type: tensorType([1]) },
    ],
  })
  const loop: NodeInit = {
    opType: "Loop",
    input: ["turns", "", "x"],
    output: ["y"],
    attribute: [{ name: "body", type: 5, g: body }],
  }
  // A condition that is absent is true, and so is one that is fed to the body first.
  return model([loop], [int64s("turns", [], 2n ** 62n)], [1])
}

/** 64 GiB at each run. */
export const memoryBomb = (): Uint8Array =>
  model([{ opType: "Expand", input: ["x", "shape"], output: ["y"] }], [int64s("shape", [2], HUGE, HUGE)], [HUGE, HUGE])
