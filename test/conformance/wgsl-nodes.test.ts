import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fromBinary } from "@bufbuild/protobuf"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { WgslSession } from "../../engine/backends/wgsl/session.ts"
import { TensorProtoSchema } from "../../graph/generated/onnx_pb.js"
import { elementType, readModel } from "../../graph/index.ts"
import { KernelRuntime } from "../../kernels/index.ts"
import { float16Value } from "../../protocol/float16.ts"
import { AccelerateError, arrayTypes, type Dtype, type Tensor } from "../../protocol/index.ts"
import { softwareDevice } from "../kernels/software-gpu.ts"
import { absent, models } from "../unit/graph-shared.ts"

const root = join(models, "onnx-node-tests/node")
const cases = absent ? [] : readdirSync(root).sort()

/** As in ONNX's own runner, and for float16 what its 11 bits allow. */
const tolerances: Partial<Record<Dtype, [rtol: number, atol: number]>> = {
  float32: [1e-3, 1e-5],
  float16: [1e-2, 1e-3],
}

function stored(name: string, file: string): Tensor {
  const proto = fromBinary(TensorProtoSchema, readFileSync(join(root, name, "test_data_set_0", file)))
  const type = elementType(proto.dataType)!
  if (!type.dtype || type.dtype === "string" || /^u?int4|bfloat16/.test(type.dtype)) throw new Skip(type.name)
  const Type = arrayTypes[type.dtype as "float32"]
  const shape = proto.dims.map(Number)
  if (proto.rawData.length > 0)
    return { dtype: type.dtype, shape, data: new Type(new Uint8Array(proto.rawData).buffer) }
  const field = proto[type.field] as ArrayLike<number>
  return { dtype: type.dtype, shape, data: (Type as { from(x: ArrayLike<number>): Float32Array }).from(field) as never }
}

class Skip extends Error {}

const numbers = ({ dtype, data }: Tensor): number[] =>
  Array.from(data as ArrayLike<number | bigint>, (x) => (dtype === "float16" ? float16Value(Number(x)) : Number(x)))

function fault(got: Tensor, want: Tensor): string | undefined {
  if (got.dtype !== want.dtype || got.shape.join() !== want.shape.join())
    return `${got.dtype} [${got.shape}], not ${want.dtype} [${want.shape}]`
  const [rtol, atol] = tolerances[want.dtype] ?? [0, 0]
  const [a, b] = [numbers(got), numbers(want)]
  const at = b.findIndex((y, i) => !(Math.abs(a[i]! - y) <= atol + rtol * Math.abs(y)) && !Object.is(a[i], y))
  return at < 0 ? undefined : `element ${at} is ${a[at]}, not ${b[at]}`
}

describe.skipIf(absent)(`ONNX's own node tests on our kernels${absent}`, () => {
  let runtime: KernelRuntime
  /** By operator, then case. */
  const outcomes: Record<string, Record<string, string>> = {}
  beforeAll(async () => {
    runtime = new KernelRuntime(await softwareDevice())
  })
  afterAll(() => runtime?.device.destroy())

  async function outcome(name: string, model: Uint8Array): Promise<string> {
    const files = readdirSync(join(root, name, "test_data_set_0")).sort()
    const session = await WgslSession.open(runtime, model)
    try {
      const inputs = session.inputs.map((_, i) => stored(name, `input_${i}.pb`))
      const feeds = Object.fromEntries(session.inputs.map((input, i) => [input.name, inputs[i]!]))
      const { outputs } = await session.run(feeds, {})
      for (const [i, { name: output }] of session.outputs.entries()) {
        if (!files.includes(`output_${i}.pb`)) continue
        const wrong = fault(outputs[output] as Tensor, stored(name, `output_${i}.pb`))
        if (wrong) return `FAIL: ${output}: ${wrong}`
      }
      return "PASS"
    } finally {
      await session.close()
    }
  }

  test.each(cases)("%s is computed right, or refused with a reason", async (name) => {
    const model = readFileSync(join(root, name, "model.onnx"))
    const result = await outcome(name, model).catch((error) => {
      if (error instanceof Skip) return `UNSUPPORTED: they compute no ${error.message}`
      if (error instanceof AccelerateError && error.code === "IPFA_DEVICE_UNSUPPORTED")
        return `UNSUPPORTED: ${(error.data as { reason: string }).reason}`
      throw error
    })
    const operator = readModel(model).graph!.node[0]!.opType
    outcomes[operator] = { ...outcomes[operator], [name]: result }
    expect(result).toMatch(/^(PASS$|UNSUPPORTED: )/)
  })

  test("the outcomes are those that docs/kernels.md counts; where they are not: npm test -- test/conformance/wgsl-nodes.test.ts -u, then npm run generate", async () => {
    const sorted = Object.fromEntries(Object.entries(outcomes).sort(([a], [b]) => (a < b ? -1 : 1)))
    await expect(`${JSON.stringify(sorted, null, 2)}\n`).toMatchFileSnapshot("wgsl-nodes.json")
  })
})
