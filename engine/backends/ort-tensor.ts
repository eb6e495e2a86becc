import type { Tensor as OrtTensor, TensorConstructor } from "onnxruntime-common"
import {
  type Dtype,
  dtypes,
  fail,
  MAX_ELEMENTS,
  type Tensor,
  type TensorData,
  type TensorInfo,
} from "../../protocol/index.ts"

/** Our dtypes that ONNX Runtime's JavaScript API passes, all under the same name. */
const passed: readonly Dtype[] = dtypes.filter((dtype) => dtype !== "bfloat16")

/** Those that it passes in both directions, everywhere; its CPU provider computes in all of them (float16 in float32 between casts). */
export const wideDtypes: Dtype[] = passed.filter((dtype) => dtype !== "uint4" && dtype !== "int4")

export function toOrt(Tensor: TensorConstructor, { dtype, shape, data }: Tensor): OrtTensor {
  if (!passed.includes(dtype))
    throw fail("IPFA_DEVICE_UNSUPPORTED", { data: { reason: `ONNX Runtime takes no ${dtype}` } })
  // float16 as bits: where the platform has Float16Array, Tensor makes one over the same memory.
  return new Tensor(dtype as OrtTensor["type"], data as OrtTensor["data"], shape)
}

/** `data` of `tensor`, which must be in memory; shares its memory. */
export function fromOrt(tensor: OrtTensor, data: OrtTensor["data"]): Tensor {
  const dtype = dtypeOf(tensor.type)
  const own = dtype === "float16" && !(data instanceof Uint16Array) ? bits16(data as unknown as ArrayBufferView) : data
  return { dtype, shape: [...tensor.dims], data: own as TensorData }
}

function bits16({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint16Array {
  return new Uint16Array(buffer, byteOffset, byteLength / 2)
}

function dtypeOf(type: string): Dtype {
  if (passed.includes(type as Dtype)) return type as Dtype
  throw fail("IPFA_DEVICE_UNSUPPORTED", { data: { reason: `no caller can be given a ${type} tensor` } })
}

interface ValueMetadata {
  readonly name: string
  readonly isTensor: boolean
  readonly type?: string
  readonly shape?: readonly (number | string)[]
}

/** ONNX Runtime 1.30's JavaScript takes 4-bit tensors on the web only, and nowhere hands one out. */
function passedDtypes(what: "input" | "output", runtime: "web" | "node"): readonly Dtype[] {
  return what === "input" && runtime === "web" ? passed : wideDtypes
}

/** A session's inputs or outputs. Throws IPFA_DEVICE_UNSUPPORTED for what can't travel: sequences, maps, bfloat16, … */
export function tensorInfos(
  what: "input" | "output",
  metadata: readonly ValueMetadata[],
  runtime: "web" | "node",
): TensorInfo[] {
  const taken = passedDtypes(what, runtime)
  return metadata.map(({ name, isTensor, type, shape }) => {
    const part = `${what} ${name}`
    const refuse = (reason: string) =>
      fail("IPFA_DEVICE_UNSUPPORTED", {
        message: `The device can't run this model: ${part} is ${reason}`,
        data: { part, reason },
      })
    if (!isTensor || !type) throw refuse("no tensor")
    if (!taken.includes(type as Dtype)) throw refuse(`of type ${type}, which ONNX Runtime's JavaScript does not pass`)
    // A dimension that is neither fixed nor named comes as an empty name or, from the WebAssembly build, as an unsigned -1.
    const dims = (shape ?? []).map((d) =>
      d === "" || (typeof d === "number" && !(d >= 0 && d <= MAX_ELEMENTS)) ? null : d,
    )
    return { name, dtype: type as Dtype, shape: dims }
  })
}
