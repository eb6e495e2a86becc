import { fromBinary, toBinary } from "@bufbuild/protobuf"
import { type ModelProto, ModelProtoSchema } from "./generated/onnx_pb.js"
import { defaultLimits, type ModelLimits } from "./limits.ts"
import { invalid } from "./refuse.ts"
import { scanModel } from "./wire/scan.ts"

/**
 * Decodes an ONNX file. Byte fields (raw_data) are views of `bytes`, not copies. Fields this version does not know are kept for `writeModel`.
 * Bytes that are no ModelProto are refused with IPFA_MODEL_INVALID, what is over `limits` with IPFA_MODEL_TOO_LARGE. This says that
 * the file is well-formed, not that it is a sound model: `validateModel` does.
 */
export function readModel(bytes: Uint8Array, limits?: Partial<ModelLimits>): ModelProto {
  scanModel(bytes, { ...defaultLimits, ...limits })
  try {
    return fromBinary(ModelProtoSchema, bytes)
  } catch (cause) {
    throw invalid("", "a ModelProto", cause)
  }
}

/** Encodes a model as an ONNX file. `readModel(writeModel(model))` equals `model`, unknown fields included. */
export function writeModel(model: ModelProto): Uint8Array {
  return toBinary(ModelProtoSchema, model)
}
