import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { bringForPage } from "../../extension/page/load.ts"
import { hex } from "../../protocol/bytes.ts"
import { createHardwareAbstraction } from "../../sdk/hardware.ts"
import type { IpfsAccelerate } from "../../sdk/types.ts"
import { wholeAddress } from "../../sdk/whole-address.ts"
import { adderHost, adderModel, floats } from "../support/adder.ts"
import { refusal, type TestPool, testPool } from "../support/pool.ts"
import { sdkOn } from "../support/sdk.ts"

const bytes = adderModel(1)
const feeds = { x: floats(1) }
let t: TestPool
let sdk: ReturnType<typeof sdkOn>
/** What the page fetches, and what its own servers have. */
let fetched: string[]
let served: Map<string, Uint8Array>

beforeEach(() => {
  t = testPool([adderHost("wasm")])
  fetched = []
  served = new Map()
  vi.stubGlobal("fetch", async (url: URL) => {
    fetched.push(url.href)
    const body = served.get(url.href.replace(/#.*/, ""))
    return new Response(body as BodyInit | undefined, { status: body ? 200 : 404 })
  })
})
afterEach(() => {
  sdk.close()
  t.close()
  vi.unstubAllGlobals()
})

function open(baseURI: string): IpfsAccelerate {
  vi.stubGlobal("document", { baseURI })
  const absolute = (reference: string) => wholeAddress(reference, baseURI)
  sdk = sdkOn(t, { absolute, bringing: bringForPage })
  return sdk.api as IpfsAccelerate
}

/** Loaded, computed with and measured; what the page itself fetched for that. */
async function usedIn(api: IpfsAccelerate, model: string): Promise<string[]> {
  await using session = await api.load(model)
  expect((await session.run(feeds)).outputs).toMatchObject({ y: { data: Float32Array.of(2) } })
  await api.accelerate({ modelId: model, input: feeds })
  const { rows } = await api.benchmark({ model, feeds, samples: 1 })
  expect(rows).toMatchObject([{ device: { id: "wasm" }, n: 1 }])
  return fetched
}

describe("a model that a page loads, it can also measure", () => {
  test("one of this machine: the page brings it", async () => {
    const api = open("http://localhost:3000/app/")
    served.set("http://localhost:3000/app/m.onnx", bytes)
    expect(await usedIn(api, "m.onnx")).toEqual(Array(3).fill("http://localhost:3000/app/m.onnx"))
    const { getOptimalBackendForModel } = await createHardwareAbstraction({ accelerator: api })
    expect(await getOptimalBackendForModel("/app/m.onnx", { feeds, samples: 1 })).toMatchObject({ measured: true })
  })

  test("one that the extension may not fetch, but the page can; else the extension's reason stands", async () => {
    const api = open("https://192.168.0.5/")
    served.set("https://192.168.0.5/m.onnx", bytes)
    expect(await usedIn(api, "/m.onnx")).toEqual(Array(3).fill("https://192.168.0.5/m.onnx"))
    expect(await refusal(api.benchmark({ model: "/absent.onnx", feeds }))).toBe("IPFA_MODEL_ADDRESS")
    const pin = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource)))
    await (await api.load(`/m.onnx#sha256=${pin.toUpperCase()}`)).dispose()
    expect(await refusal(api.benchmark({ model: `/m.onnx#sha256=${"0".repeat(64)}`, feeds }))).toBe("IPFA_MODEL_DIGEST")
  })

  test("one that the extension fetches itself: the page brings nothing", async () => {
    t.publish("m.onnx", bytes)
    expect(await usedIn(open("https://models.example/"), "m.onnx")).toEqual([])
  })

  test("bytes", async () => {
    const { rows } = await open("https://site.example/").benchmark({ model: new Blob([bytes as BlobPart]), feeds })
    expect(rows).toHaveLength(1)
  })
})
