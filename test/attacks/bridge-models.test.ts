import { linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import path from "node:path"
import { pathToFileURL } from "node:url"
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { AccelerateError, type Peer, type Tensor } from "../../protocol/index.ts"
import {
  digitError,
  digitImage,
  digits,
  digitsFile,
  nativeIsThere,
  type TestBridge,
  testBridge,
} from "../support/bridge.ts"
import { sha256 } from "../support/store-cases.ts"
import { carOf, functionChain, tinyBytes, withFunctions } from "./onnx-build.ts"

let t: TestBridge
let peer: Peer
/** Where the bridge keeps models, and so where the runtime would look for what they name. */
let blobs: string

const digitsBytes = readFileSync(digitsFile)
const secret = Buffer.from(Float32Array.of(1, 2, 3).buffer)

beforeAll(async () => {
  t = await testBridge()
  blobs = path.join(t.dir, "models", "blobs")
  await nativeIsThere(t.bridge)
  peer = await t.client()
  await digitsAreRight()
  // Each as long as the models that name it say.
  const [inside, outside] = [path.join(blobs, "elsewhere"), path.join(t.dir, "outside")]
  for (const folder of [inside, outside]) {
    mkdirSync(folder)
    writeFileSync(path.join(folder, "weights.bin"), secret)
  }
  symlinkSync(inside, path.join(blobs, "linked-folder"))
  symlinkSync(path.join(inside, "weights.bin"), path.join(blobs, "symbolic-link.bin"))
  linkSync(path.join(outside, "weights.bin"), path.join(blobs, "hard-link.bin"))
  symlinkSync(outside, path.join(blobs, "linked-folder-outside"))
  symlinkSync(path.join(outside, "weights.bin"), path.join(blobs, "symbolic-link-outside.bin"))
})
afterAll(() => t.close())

const failure = (promise: Promise<unknown>): Promise<AccelerateError> =>
  promise.then(
    () => expect.unreachable("it resolved"),
    (error) => (error instanceof AccelerateError ? error : Promise.reject(error)),
  )
const code = async (promise: Promise<unknown>) => (await failure(promise)).code

const external = (location: string, over: Record<string, string> = {}) =>
  tinyBytes({
    initializer: [
      {
        name: "w",
        dims: [3n],
        dataType: 1,
        dataLocation: 1,
        externalData: Object.entries({ location, ...over }).map(([key, value]) => ({ key, value })),
      },
    ],
  })

/** The address of a file with these bytes, which is not among the bridge's models. */
function fileOf(name: string, bytes: Uint8Array): string {
  const file = path.join(t.dir, `${name.replace(/\W/g, "-")}.onnx`)
  writeFileSync(file, bytes)
  return pathToFileURL(file).href
}

async function digitsAreRight(): Promise<void> {
  const { sessionId } = await peer.call("session.open", { model: "digits" })
  const { outputs } = await peer.call("session.run", { sessionId, feeds: { image: digitImage(0) } })
  expect(digitError((outputs.logits as Tensor<"float32">).data, 0)).toBeLessThan(digits.tolerance)
}

/** The refusal of a model, after which the bridge and the child that looked at it go on. */
async function refusal(model: string, given?: Record<string, string>): Promise<[code: string, path: unknown]> {
  const pid = t.bridge.nativePid("native")
  const { code, data } = await failure(peer.call("session.open", { model, ...(given && { external: given }) }))
  expect(t.bridge.nativePid("native")).toBe(pid)
  await digitsAreRight()
  return [code, data.path]
}

const LOCATION = "graph.initializer[0].external_data.location"

describe("S11: what lies where the runtime would read it is not read", () => {
  test.each([
    ["a hard link", "hard-link.bin", secret],
    ["a symbolic link", "symbolic-link.bin", secret],
    ["a file in a linked folder", "linked-folder/weights.bin", secret],
    ["another model, by the name it has in the store", sha256(digitsBytes), digitsBytes],
  ])("%s", async (name, location, there) => {
    const bytes = external(location)
    expect(await refusal(fileOf(name, bytes))).toEqual(["IPFA_MODEL_INVALID", LOCATION])
    // The model is sound but for that: the runtime, given the same file as its child gives it, does read what lies there.
    const session = await InferenceSession.create(path.join(blobs, sha256(bytes)))
    const { y } = await session.run({ x: new OrtTensor("float32", new Float32Array(6), [2, 3]) })
    const three = new Float32Array(Uint8Array.from(there.subarray(0, 12)).buffer)
    expect(y?.data).toEqual(Float32Array.of(...three, ...three))
    await session.release()
  })
})

test.each([
  ["an external path that climbs", external("../../outside/weights.bin"), "IPFA_MODEL_INVALID", LOCATION],
  ["an absolute external path", external("/etc/passwd"), "IPFA_MODEL_INVALID", LOCATION],
  [
    "an external path through a folder linked outside",
    external("linked-folder-outside/weights.bin"),
    "IPFA_MODEL_INVALID",
    LOCATION,
  ],
  ["an external link outside", external("symbolic-link-outside.bin"), "IPFA_MODEL_INVALID", LOCATION],
  [
    "ONNX Runtime's in-memory address",
    external("*/_ORT_MEM_ADDR_/*", { offset: "4096" }),
    "IPFA_MODEL_INVALID",
    LOCATION,
  ],
  ["3,000 nested functions", withFunctions(functionChain(3000)), "IPFA_MODEL_TOO_LARGE", "functions"],
  ["a file cut short", tinyBytes().slice(0, 40), "IPFA_MODEL_INVALID", ""],
  ["bytes that are no model", new TextEncoder().encode("<html>not found</html>"), "IPFA_MODEL_INVALID", ""],
  ["a CAR (S10)", carOf(digitsBytes), "IPFA_MODEL_INVALID", "graph.quantization_annotation[0]"],
  ["nothing", new Uint8Array(0), "IPFA_MODEL_FETCH", undefined],
])("S11: %s is a typed refusal, and the bridge and its child live on", async (name, bytes, code, path) => {
  expect(await refusal(fileOf(name, bytes))).toEqual([code, path])
})

test.each([
  ["offset past the end", { offset: "13" }],
  ["an end past the end", { offset: "4", length: "12" }],
  ["an offset of 2^53 - 1", { offset: "9007199254740991" }],
])("S11: given external data with %s is a typed refusal, and the bridge and its child live on", async (name, over) => {
  const [model, given] = [
    fileOf(name, external("weights.bin", over as unknown as Record<string, string>)),
    fileOf("given", secret),
  ]
  expect(await refusal(model, { "weights.bin": given })).toEqual([
    "IPFA_MODEL_INVALID",
    "graph.initializer[0].external_data.offset",
  ])
})

test("external data comes by explicit reference only, never from beside the file", async () => {
  const weights = path.join(t.dir, "weights.bin")
  writeFileSync(weights, secret)
  const model = fileOf("with external", external("weights.bin"))
  expect(await code(peer.call("session.open", { model }))).toBe("IPFA_MODEL_INVALID")
  const { sessionId } = await peer.call("session.open", {
    model,
    external: { "weights.bin": pathToFileURL(weights).href },
  })
  const x: Tensor = { dtype: "float32", shape: [2, 3], data: new Float32Array(6) }
  const { outputs } = await peer.call("session.run", { sessionId, feeds: { x } })
  expect([...((outputs.y as Tensor).data as Float32Array)]).toEqual([1, 2, 3, 1, 2, 3])
})

test.each([
  "http://169.254.169.254/latest/meta-data",
  "https://10.0.0.1/m.onnx",
  "http://127.0.0.1:1/m.onnx",
  "https://[::1]/m.onnx",
  "https://localhost/m.onnx",
])("S12: a model at %s is refused", async (model) => {
  expect(await code(peer.call("session.open", { model }))).toMatch(/^IPFA_MODEL_(ADDRESS|REFERENCE|SCHEME)$/)
})
