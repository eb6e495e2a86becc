import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { GraphProtoSchema, type NodeProtoSchema } from "../../graph/generated/onnx_pb.js"
import { tensorType, tinyBytes } from "./onnx-build.ts"

/** Valid ONNX models, x float32 [1] → y, each of which passes validation and is too much to run. */

const INT64 = 7
const BOOL = 9
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

/** So many floats at each run. */
export const memoryBomb = (dims: number[]): Uint8Array =>
  model([{ opType: "Expand", input: ["x", "shape"], output: ["y"] }], [int64s("shape", [dims.length], ...dims)], dims)

/** A convolution of an image of 64 MiB with a kernel of 16 MiB: 2⁴⁵ operations in one node, at each run. `image`: its side, if it is not fixed. */
export const hugeNode = (image: number | string = 2 ** 12): Uint8Array => {
  const kernel = 2 ** 11
  const sides = typeof image === "number" ? [int64s("image_shape", [4], 1, 1, image, image)] : []
  const expand = (name: string): NodeInit => ({ opType: "Expand", input: ["x", `${name}_shape`], output: [name] })
  return tinyBytes({
    node: [
      ...(sides.length > 0 ? [expand("image")] : []),
      expand("kernel"),
      { opType: "Conv", input: ["image", "kernel"], output: ["y"], name: "huge" },
    ],
    initializer: [...sides, int64s("kernel_shape", [4], 1, 1, kernel, kernel)] as never,
    input: [
      { name: "x", type: tensorType([1]) },
      ...(sides.length > 0 ? [] : [{ name: "image", type: tensorType([1, 1, image, image]) }]),
    ],
    output: [{ name: "y", type: tensorType([1, 1, "h", "w"]) }],
  })
}
