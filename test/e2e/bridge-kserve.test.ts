import { readFileSync } from "node:fs"
import { pathToFileURL } from "node:url"
import * as ort from "onnxruntime-node"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import {
  digitError,
  digitImage,
  digits,
  digitsFile,
  nativeIsThere,
  type TestBridge,
  testBridge,
} from "../support/bridge.ts"
import { sharedModel } from "../support/shared.ts"

const mnist = sharedModel("mnist-cnn/mnist.onnx")
let t: TestBridge

beforeAll(async () => {
  t = await testBridge({
    aliases: {
      shared: sharedModel("mnist-cnn/mnist.onnx").path
        ? `file://${sharedModel("mnist-cnn/mnist.onnx").path}`
        : "sha256:none",
    },
  })
  await nativeIsThere(t.bridge)
})
afterAll(() => t.close())

const asJson = (i: number) => ({
  inputs: [{ name: "image", shape: [1, 1, 8, 8], datatype: "FP32", data: digits.samples[i]!.image }],
})

/** A request's body with its tensors after the JSON. */
function binary(json: object, ...tensors: Uint8Array[]): [Buffer, Record<string, string>] {
  const head = Buffer.from(JSON.stringify(json))
  return [Buffer.concat([head, ...tensors]), { "inference-header-content-length": String(head.byteLength) }]
}

const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

describe("infer", () => {
  test("JSON in, JSON out: every sample of the shipped model comes out right", async () => {
    for (const i of digits.samples.keys()) {
      const { status, json } = await t.http("POST", "/v2/models/digits/infer", asJson(i))
      expect(status).toBe(200)
      expect(json.outputs[0]).toMatchObject({ name: "logits", datatype: "FP32", shape: [1, 10] })
      expect(digitError(json.outputs[0].data, i)).toBeLessThan(digits.tolerance)
    }
  })

  test("what served it is in the parameters", async () => {
    const { json } = await t.http("POST", "/v2/models/digits/infer", { id: "req-7", ...asJson(0) })
    expect(json).toMatchObject({ model_name: "digits", model_version: "1", id: "req-7" })
    expect(json.parameters).toMatchObject({ device: "native-cpu", agent: "native", reruns: 0 })
    expect(json.parameters.runMs).toBeGreaterThan(0)
    expect(json.parameters).not.toHaveProperty("fellBackFrom")
  })

  test("binary in, binary out, whatever the JSON's length does to the alignment", async () => {
    for (const pad of ["", "a", "ab", "abc"]) {
      const [body, headers] = binary(
        {
          id: pad,
          parameters: { binary_data_output: true },
          inputs: [{ name: "image", shape: [1, 1, 8, 8], datatype: "FP32", parameters: { binary_data_size: 256 } }],
        },
        bytesOf(digitImage(3).data),
      )
      const answer = await t.http("POST", "/v2/models/digits/infer", body, {
        ...headers,
        "content-type": "application/octet-stream",
      })
      const length = Number(answer.headers["inference-header-content-length"])
      const json = JSON.parse(answer.bytes.subarray(0, length).toString())
      expect(json.outputs).toEqual([
        { name: "logits", datatype: "FP32", shape: [1, 10], parameters: { binary_data_size: 40 } },
      ])
      const logits = new Float32Array(new Uint8Array(answer.bytes.subarray(length)).buffer)
      expect(digitError(logits, 3)).toBeLessThan(digits.tolerance)
    }
  })

  test("Triton's clients, which send no Content-Type with binary tensors, are understood", async () => {
    const [body, headers] = binary(
      { inputs: [{ name: "image", shape: [1, 1, 8, 8], datatype: "FP32", parameters: { binary_data_size: 256 } }] },
      bytesOf(digitImage(0).data),
    )
    const { status, json } = await t.http("POST", "/v2/models/digits/infer", body, headers)
    expect(status).toBe(200)
    expect(digitError(json.outputs[0].data, 0)).toBeLessThan(digits.tolerance)
  })

  test("a batch, nested as its shape is, gives each image its own answer", async () => {
    const images = [0, 1, 2].map((i) => {
      const { image } = digits.samples[i]!
      return [Array.from({ length: 8 }, (_, y) => image.slice(8 * y, 8 * y + 8))]
    })
    const { json } = await t.http("POST", "/v2/models/digits/infer", {
      inputs: [{ name: "image", shape: [3, 1, 8, 8], datatype: "FP32", data: images }],
    })
    for (const i of [0, 1, 2])
      expect(digitError(json.outputs[0].data.slice(10 * i, 10 * i + 10), i)).toBeLessThan(digits.tolerance)
  })

  test("the same numbers as onnxruntime-node called directly", async () => {
    const session = await ort.InferenceSession.create(digitsFile)
    const direct = await session.run({ image: new ort.Tensor("float32", digitImage(5).data, [1, 1, 8, 8]) })
    await session.release()
    const { json } = await t.http("POST", "/v2/models/digits/infer", asJson(5))
    expect(Float32Array.from(json.outputs[0].data)).toEqual(direct.logits!.data)
  })

  test("a reference in the path, URL-encoded, names a model as well as an alias", async () => {
    const reference = pathToFileURL(digitsFile).href
    const { status, json } = await t.http("POST", `/v2/models/${encodeURIComponent(reference)}/infer`, asJson(1))
    expect(status).toBe(200)
    expect(digitError(json.outputs[0].data, 1)).toBeLessThan(digits.tolerance)
  })

  test.each([
    ["a device that is not there", { device: "webnn:npu" }, 404, "IPFA_DEVICE_ABSENT"],
    ["an agent that is not there", { agent: "nobody" }, 404, "IPFA_AGENT_UNKNOWN"],
    ["a device that is no selector", { device: "Web GPU" }, 400, "IPFA_INPUT_INVALID"],
    ["a deadline that is no time", { deadline_ms: -1 }, 400, "IPFA_INPUT_INVALID"],
  ])("%s is a typed error", async (_, parameters, status, code) => {
    const answer = await t.http("POST", "/v2/models/digits/infer", { parameters, ...asJson(0) })
    expect([answer.status, answer.code]).toEqual([status, code])
  })

  test("a device that can't be had says why", async () => {
    const { json } = await t.http("POST", "/v2/models/digits/infer", {
      parameters: { device: "native-dml" },
      ...asJson(0),
    })
    expect(json.data.reason).toMatch(/dml/)
  })

  test.each([
    ["no such model", "nothing", asJson(0), 404, "IPFA_MODEL_NOT_FOUND"],
    ["a scheme that is not loaded here", encodeURIComponent("ipfs://bafy"), asJson(0), 400, "IPFA_MODEL_SCHEME"],
    [
      "an input of another name",
      "digits",
      { inputs: [{ name: "x", shape: [1], datatype: "FP32", data: [1] }] },
      400,
      "IPFA_INPUT_SHAPE",
    ],
    [
      "a dtype the model does not take",
      "digits",
      { inputs: [{ name: "image", shape: [1, 1, 8, 8], datatype: "INT32", data: Array(64).fill(0) }] },
      400,
      "IPFA_INPUT_SHAPE",
    ],
    [
      "fewer elements than the shape says",
      "digits",
      { inputs: [{ name: "image", shape: [1, 1, 8, 8], datatype: "FP32", data: [1, 2] }] },
      400,
      "IPFA_INPUT_INVALID",
    ],
    [
      "a negative dimension",
      "digits",
      { inputs: [{ name: "image", shape: [-1, 8], datatype: "FP32", data: [] }] },
      400,
      "IPFA_INPUT_INVALID",
    ],
    [
      "a product of dimensions that overflows",
      "digits",
      { inputs: [{ name: "image", shape: [2 ** 31, 2 ** 31], datatype: "FP32", data: [] }] },
      400,
      "IPFA_INPUT_INVALID",
    ],
    [
      "an integer out of range",
      "digits",
      { inputs: [{ name: "image", shape: [1], datatype: "UINT8", data: [256] }] },
      400,
      "IPFA_INPUT_INVALID",
    ],
    [
      "a dtype KServe has not got",
      "digits",
      { inputs: [{ name: "image", shape: [1], datatype: "FP8", data: [1] }] },
      400,
      "IPFA_INPUT_INVALID",
    ],
    [
      "an output the model has not got",
      "digits",
      { ...asJson(0), outputs: [{ name: "probabilities" }] },
      400,
      "IPFA_INPUT_INVALID",
    ],
    [
      "the same input twice",
      "digits",
      { inputs: [...asJson(0).inputs, ...asJson(0).inputs] },
      400,
      "IPFA_INPUT_INVALID",
    ],
    ["no inputs", "digits", { inputs: [] }, 400, "IPFA_INPUT_INVALID"],
  ])("%s is refused, and named", async (_, model, body, status, code) => {
    const answer = await t.http("POST", `/v2/models/${model}/infer`, body)
    expect([answer.status, answer.code]).toEqual([status, code])
  })

  test.each([
    ["less than the JSON's length says", { "inference-header-content-length": "100000" }],
    ["a length that is no number", { "inference-header-content-length": "0x10" }],
    ["nothing behind the JSON", {}],
  ])("a binary body with %s is refused", async (_, headers) => {
    const json = {
      inputs: [{ name: "image", shape: [1, 1, 8, 8], datatype: "FP32", parameters: { binary_data_size: 256 } }],
    }
    const answer = await t.http("POST", "/v2/models/digits/infer", json, headers)
    expect([answer.status, answer.code]).toEqual([400, "IPFA_INPUT_INVALID"])
  })

  test("the same Idempotency-Key is the same job", async () => {
    const before = (await t.http("GET", "/v1/status")).json.jobs.done
    const headers = { "idempotency-key": "once" }
    const [a, b] = await Promise.all([
      t.http("POST", "/v2/models/digits/infer", asJson(0), headers),
      t.http("POST", "/v2/models/digits/infer", asJson(0), headers),
    ])
    const c = await t.http("POST", "/v2/models/digits/infer", asJson(0), headers)
    expect(b.bytes.equals(a.bytes) && c.bytes.equals(a.bytes)).toBe(true)
    const image = digits.samples[0]!.image
    const batch = { inputs: [{ name: "image", shape: [2, 1, 8, 8], datatype: "FP32", data: [...image, ...image] }] }
    expect((await t.http("POST", "/v2/models/digits/infer", batch, headers)).status).toBe(400)
    expect((await t.http("GET", "/v1/status")).json.jobs.done - before).toBe(1)
  })

  test("an Idempotency-Key that is too long is refused, not cut short to another's", async () => {
    const answer = await t.http("POST", "/v2/models/digits/infer", asJson(0), { "idempotency-key": "k".repeat(129) })
    expect([answer.status, answer.code]).toEqual([400, "IPFA_INPUT_INVALID"])
  })
})

describe("models", () => {
  test("metadata names inputs and outputs, a free dimension as -1", async () => {
    const { json } = await t.http("GET", "/v2/models/digits")
    expect(json).toEqual({
      name: "digits",
      versions: ["1"],
      platform: "onnx_onnxv1",
      inputs: [{ name: "image", datatype: "FP32", shape: [-1, 1, 8, 8] }],
      outputs: [{ name: "logits", datatype: "FP32", shape: [-1, 10] }],
    })
  })

  test("ready says whether a device takes it", async () => {
    expect((await t.http("GET", "/v2/models/digits/ready")).json).toEqual({ name: "digits", ready: true })
    expect((await t.http("GET", "/v2/models/nothing/ready")).status).toBe(404)
  })

  test("the server is live and ready, and says what it can", async () => {
    expect((await t.http("GET", "/v2/health/live")).status).toBe(200)
    expect((await t.http("GET", "/v2/health/ready")).status).toBe(200)
    expect((await t.http("GET", "/v2")).json).toMatchObject({
      name: "ipfs-accelerate",
      extensions: ["binary_tensor_data"],
    })
  })
})

describe.skipIf(mnist.skip)(`models of the shared folder${mnist.skip ? ` (${mnist.skip})` : ""}`, () => {
  test("a name that the configuration gave", async () => {
    const sample = new Float32Array(784).fill(0)
    const { status, json } = await t.http("POST", "/v2/models/shared/infer", {
      inputs: [{ name: "Input3", shape: [1, 1, 28, 28], datatype: "FP32", data: [...sample] }],
    })
    expect([status, json.outputs[0].shape]).toEqual([200, [1, 10]])
  })

  test("a name that was added over HTTP, until it is removed", async () => {
    const reference = pathToFileURL(mnist.path!).href
    const added = await t.http("POST", "/v1/models", { reference, name: "added" })
    expect(added.json).toMatchObject({ reference, name: "added", bytes: readFileSync(mnist.path!).byteLength })
    expect((await t.http("GET", "/v2/models/added/ready")).json.ready).toBe(true)
    expect((await t.http("GET", "/v1/models")).json.aliases).toContainEqual({
      name: "added",
      reference,
      shipped: false,
    })
    expect((await t.http("DELETE", "/v1/models/added")).json).toEqual({ removed: true })
    expect((await t.http("GET", "/v2/models/added/ready")).status).toBe(404)
    expect((await t.http("DELETE", `/v1/models/${added.json.sha256}`)).json).toEqual({ removed: true })
  })
})
