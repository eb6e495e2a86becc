import * as ort from "onnxruntime-node"
import type { Tensor } from "../../protocol/index.ts"
import type { ConformanceCase } from "./case.ts"
import { argmax, type Driven, type Feeds } from "./drive.ts"

/** What onnxruntime-node, called directly and with none of our code around it, makes of a case. Greedy cases have their tokens written down. */
export async function reference(conformance: ConformanceCase): Promise<Driven> {
  const { model } = conformance
  const options: ort.InferenceSession.SessionOptions = { executionProviders: ["cpu"], logSeverityLevel: 3 }
  const session = await (typeof model === "string"
    ? ort.InferenceSession.create(model, options)
    : ort.InferenceSession.create(model, options))
  const driven: Driven = { openMs: 0, runMs: [], outputs: [], tokens: [], keptBytes: { during: 0, after: 0 } }
  const plan = conformance.plan()
  const run = async (feeds: Record<string, ort.Tensor>) => (await session.run(feeds)) as Record<string, ort.Tensor>
  if (plan.kind === "greedy") {
    let cache: Record<string, ort.Tensor> = Object.fromEntries(
      session.inputNames
        .filter((name) => name.startsWith("past"))
        .map((name) => [name, new ort.Tensor("float32", plan.empty.data as Float32Array, plan.empty.shape)]),
    )
    for (let token = plan.first, at = 0; at < plan.count; at++) {
      const id = (x: number) => new ort.Tensor("int64", BigInt64Array.of(BigInt(x)), [1, 1])
      const { logits, ...present } = await run({ input_ids: id(token), position_ids: id(at), ...cache })
      token = argmax(logits!.data as Float32Array)
      driven.tokens.push(token)
      cache = Object.fromEntries(Object.entries(present).map(([k, t]) => [k.replace("present", "past_key_values"), t]))
    }
  } else {
    let carried = plan.kind === "carried" ? fed(plan.initial) : {}
    for (const feeds of plan.runs) {
      const outputs = await run({ ...fed(feeds), ...carried })
      driven.outputs.push(Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, tensor(t)])))
      if (plan.kind === "carried")
        carried = Object.fromEntries(Object.entries(plan.carry).map(([out, input]) => [input, outputs[out]!]))
    }
  }
  await session.release()
  return driven
}

function fed(feeds: Feeds): Record<string, ort.Tensor> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, data, shape }]) => {
      const made = new ort.Tensor(dtype as "float32", data as Float32Array, shape)
      // onnxruntime-node 1.30 can't read the Float16Array that its Tensor makes of the bits in Node 24.
      if (dtype === "float16") Object.defineProperty(made, "cpuData", { value: data })
      return [name, made]
    }),
  )
}

function tensor({ type, dims, data }: ort.Tensor): Tensor {
  const bits = type === "float16" ? new Uint16Array((data as unknown as Float32Array).buffer) : data
  return { dtype: type as Tensor["dtype"], shape: [...dims], data: bits as Tensor["data"] }
}
