import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { wholeAddress } from "../../sdk/whole-address.ts"
import { adderHost, adderModel, floats } from "../support/adder.ts"
import { type TestPool, testPool } from "../support/pool.ts"
import { sdkOn } from "../support/sdk.ts"

test.each([
  ["m.onnx", "https://site.example/app/m.onnx"],
  ["../m.onnx?x#sha256=00", "https://site.example/m.onnx?x#sha256=00"],
  ["/m.onnx", "https://site.example/m.onnx"],
  ["//models.example/m.onnx", "https://models.example/m.onnx"],
  ["https://models.example/m.onnx", "https://models.example/m.onnx"],
  ["sha256:00", "sha256:00"],
  ["file:///m.onnx", "file:///m.onnx"],
  ["*", "*"],
  ["https://", "https://"],
])("in a page %s is %s", (reference, whole) => {
  expect(wholeAddress(reference, "https://site.example/app/page.html")).toBe(whole)
})

describe("where references are relative to a document", () => {
  let t: TestPool
  let sdk: ReturnType<typeof sdkOn>
  beforeEach(() => {
    t = testPool([adderHost("wasm")])
    const absolute = (reference: string) => wholeAddress(reference, "https://models.example/app/page.html")
    sdk = sdkOn(t, { absolute })
    t.publish("app/adder", adderModel(1))
  })
  afterEach(() => {
    sdk.close()
    t.close()
  })

  test("load, accelerate and benchmark take one, external data too", async () => {
    t.publish("weights.bin", new Uint8Array([1, 2, 3]))
    const session = await sdk.api.load("adder", { external: { "weights.bin": "/weights.bin" } })
    expect(session.model.reference).toBe("https://models.example/app/adder")
    const { outputs } = await sdk.api.accelerate({ modelId: "/app/adder", input: floats(1) })
    expect(outputs).toMatchObject({ y: { data: Float32Array.of(2) } })
    const { rows } = await sdk.api.benchmark({ model: "adder", feeds: { x: floats(1) }, samples: 1 })
    expect(rows).toHaveLength(1)
  })

  test("enable asks for the models that load will ask for", async () => {
    const peer = await sdk.connection.peer()
    const call = vi.spyOn(peer, "call").mockResolvedValue({} as never)
    const asked = async (request: object | undefined) => {
      await sdk.api.enable(request as never)
      return call.mock.lastCall![1]
    }
    const capabilities = ["infer"]
    expect(await asked({ capabilities, models: ["adder", "/m", "https://models.example/m", "*"] })).toEqual({
      capabilities,
      models: ["https://models.example/app/adder", ...Array(2).fill("https://models.example/m"), "*"],
    })
    // What it asks for where it names none, and what is no request, is for the other side to say.
    for (const request of [{ capabilities }, { capabilities, models: [] }, { capabilities, models: "adder" }, {}])
      expect(await asked(request)).toStrictEqual(request)
    expect(await asked(undefined)).toEqual({})
  })
})
