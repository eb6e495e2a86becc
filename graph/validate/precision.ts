import type { NodeProto } from "../generated/onnx_pb.js"
import type { Survey } from "./graph.ts"

/** A quantized model's weights are of either kind, as its exporter liked. Types that are not listed hold indices and shapes, no weights. */
const names: Readonly<Record<string, string>> = {
  float64: "float64",
  float32: "float32",
  float16: "float16",
  bfloat16: "bfloat16",
  int8: "int8",
  uint8: "int8",
  int4: "int4",
  uint4: "int4",
}

export function countPrecision({ precisions }: Pick<Survey, "precisions">, type: string, elems: number): void {
  const name = names[type]
  if (name) precisions.set(name, (precisions.get(name) ?? 0) + elems)
}

/** ONNX Runtime's MatMulNBits keeps its [n, k] weights in bytes of several: they count as what they are, which are more than the bytes. */
export function countPacked(survey: Pick<Survey, "precisions">, { domain, opType, attribute }: NodeProto): void {
  if (domain !== "com.microsoft" || opType !== "MatMulNBits") return
  const int = (name: string) => Number(attribute.find((a) => a.name === name)?.i ?? 0)
  countPrecision(survey, `int${int("bits")}`, int("K") * int("N"))
}

/** What most weights are; undefined where there are none. */
export function precisionOf({ precisions }: Pick<Survey, "precisions">): string | undefined {
  return [...precisions].sort(([, a], [, b]) => b - a)[0]?.[0]
}
