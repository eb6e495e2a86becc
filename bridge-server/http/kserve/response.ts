import { fail, type RunResult, type Tensor } from "../../../protocol/index.ts"
import { toBinary } from "./binary.ts"
import { toDatatype } from "./datatypes.ts"
import type { InferCall } from "./request.ts"
import { toJson } from "./values.ts"

/** Of every model: another version is another model. */
export const MODEL_VERSION = "1"

export interface InferAnswer {
  /** The JSON, alone or followed by the binary outputs. */
  body: Buffer
  /** Length of the JSON, where something follows it. */
  headerLength?: number
}

/** KServe v2's inference response. `order` is the outputs in the model's order. */
export function writeInfer(model: string, call: InferCall, result: RunResult, order: readonly string[]): InferAnswer {
  const binary: Uint8Array[] = []
  const names = order.filter((name) => Object.hasOwn(result.outputs, name))
  const outputs = names.map((name) => {
    const tensor = result.outputs[name] as Tensor
    if (!("data" in tensor)) throw fail("IPFA_INTERNAL")
    const described = { name, datatype: toDatatype(tensor.dtype), shape: tensor.shape }
    if (!call.isBinary(name)) return { ...described, data: toJson(tensor, name) }
    const bytes = toBinary(tensor)
    binary.push(bytes)
    return { ...described, parameters: { binary_data_size: bytes.byteLength } }
  })
  const json = Buffer.from(
    JSON.stringify({
      model_name: model,
      model_version: MODEL_VERSION,
      ...(call.id !== undefined && { id: call.id }),
      parameters: served(result),
      outputs,
    }),
  )
  if (binary.length === 0) return { body: json }
  return { body: Buffer.concat([json, ...binary]), headerLength: json.byteLength }
}

/** KServe's parameters are flat: a string, number or boolean each. */
function served({ device, agent, fellBackFrom, reruns, timing }: RunResult): Record<string, string | number> {
  return {
    device,
    ...(agent !== undefined && { agent }),
    ...(fellBackFrom && {
      fellBackFrom: `${fellBackFrom.agent}/${fellBackFrom.id}`,
      fellBackReason: fellBackFrom.reason,
    }),
    reruns,
    queueMs: timing.queueMs,
    runMs: timing.runMs,
  }
}
