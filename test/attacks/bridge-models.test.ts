import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import path from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, beforeAll, expect, test } from "vitest"
import { AccelerateError, type Peer, type Tensor } from "../../protocol/index.ts"
import { digitError, digitImage, digits, nativeIsThere, type TestBridge, testBridge } from "../support/bridge.ts"
import { tinyBytes } from "./onnx-build.ts"

let t: TestBridge
let peer: Peer

beforeAll(async () => {
  t = await testBridge()
  await nativeIsThere(t.bridge)
  peer = await t.client()
  // Beside the models, which name it, and as long as they say: three numbers.
  const elsewhere = path.join(t.dir, "elsewhere")
  mkdirSync(elsewhere)
  const secret = path.join(elsewhere, "weights.bin")
  writeFileSync(secret, new Uint8Array(12))
  symlinkSync(elsewhere, path.join(t.dir, "linked-folder"))
  symlinkSync(secret, path.join(t.dir, "symbolic-link.bin"))
  linkSync(secret, path.join(t.dir, "hard-link.bin"))
})
afterAll(() => t.close())

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error) => (error instanceof AccelerateError ? error.code : String(error)),
  )

const external = (location: string) => ({
  initializer: [
    {
      name: "w",
      dims: [3n],
      dataType: 1,
      dataLocation: 1,
      externalData: [{ key: "location", value: location }],
    },
  ],
})

const hostile: [string, Uint8Array][] = [
  ["an external path that climbs", tinyBytes(external("../../token"))],
  ["an absolute external path", tinyBytes(external("/etc/passwd"))],
  ["an external path through a linked folder", tinyBytes(external("linked-folder/weights.bin"))],
  ["an external name that is a symbolic link", tinyBytes(external("symbolic-link.bin"))],
  ["an external name that is a hard link", tinyBytes(external("hard-link.bin"))],
  ["ONNX Runtime's in-memory address", tinyBytes(external("*/_ORT_MEM_ADDR_/*"))],
  ["a file cut short", tinyBytes().slice(0, 40)],
  ["bytes that are no model", new TextEncoder().encode("<html>not found</html>")],
  ["nothing", new Uint8Array(0)],
]

test.each(hostile)("S11: %s is a typed refusal, and the bridge and its child live on", async (name, bytes) => {
  const file = path.join(t.dir, `${name.replace(/\W/g, "-")}.onnx`)
  writeFileSync(file, bytes)
  const pid = t.bridge.nativePid("native")
  expect(await code(peer.call("session.open", { model: pathToFileURL(file).href }))).toMatch(
    /^IPFA_MODEL_(INVALID|FETCH)$/,
  )
  expect(t.bridge.nativePid("native")).toBe(pid)
  const { sessionId } = await peer.call("session.open", { model: "digits" })
  const { outputs } = await peer.call("session.run", { sessionId, feeds: { image: digitImage(0) } })
  expect(digitError((outputs.logits as Tensor<"float32">).data, 0)).toBeLessThan(digits.tolerance)
})

test("external data comes by explicit reference only, never from beside the file", async () => {
  const secret = path.join(t.dir, "weights.bin")
  writeFileSync(secret, Buffer.from(Float32Array.of(1, 2, 3).buffer))
  const file = path.join(t.dir, "with-external.onnx")
  writeFileSync(file, tinyBytes(external("weights.bin")))
  const model = pathToFileURL(file).href
  expect(await code(peer.call("session.open", { model }))).toBe("IPFA_MODEL_INVALID")
  const { sessionId } = await peer.call("session.open", {
    model,
    external: { "weights.bin": pathToFileURL(secret).href },
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
