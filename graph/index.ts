export { readModel, writeModel } from "./codec.ts"
export { elementType, elementTypeNumber } from "./element-type.ts"
export type { AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto } from "./generated/onnx_pb.js"
export { parseEquation } from "./infer/einsum.ts"
export {
  type InferOptions,
  type InferredCost,
  type InferredShapes,
  type InferredTensor,
  inferCost,
  inferModel,
  inferShapes,
} from "./infer/index.ts"
export type { NodeCost } from "./infer/operator.ts"
export { knownOperators } from "./infer/operators/index.ts"
export { defaultLimits, type ModelLimits } from "./limits.ts"
export { type ExternalData, externalNameFault } from "./validate/external.ts"
export { inspectModel, type ModelInfo, type ValidateOptions, validateModel } from "./validate/model.ts"
export type { DeclaredTensor } from "./validate/value-info.ts"
