import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { AccelerateError } from "../../protocol/index.ts"
import { type Accelerator, createAccelerator } from "../../sdk/create.ts"
import type { Session } from "../../sdk/types.ts"
import { type AdderHost, floats } from "../support/adder.ts"
import type { TestPool } from "../support/pool.ts"
import type { sdkOn } from "../support/sdk.ts"

/** What the extension is made of: the same modules once more, so that their classes are others than this file's. */
let extension: typeof import("../support/sdk.ts") &
  typeof import("../support/pool.ts") &
  typeof import("../support/adder.ts")
beforeAll(async () => {
  vi.resetModules()
  const adder = await import("../support/adder.ts")
  extension = { ...(await import("../support/sdk.ts")), ...(await import("../support/pool.ts")), ...adder }
})

let script: ReturnType<typeof sdkOn>
let host: AdderHost
let t: TestPool
let ai: Accelerator
let url: string
beforeEach(async () => {
  host = extension.adderHost("wasm")
  t = extension.testPool([host])
  url = t.publish("adder", extension.adderModel(1))
  script = extension.sdkOn(t)
  ai = await withExtension(script.api)
})
afterEach(() => {
  script.close()
  t.close()
  vi.unstubAllGlobals()
})

function withExtension(api: object): Promise<Accelerator> {
  const ipfsAccelerate = Object.freeze({ version: "9.9.9", protocolVersion: 1, features: [], ...api })
  vi.stubGlobal("location", {})
  vi.stubGlobal("window", { isSecureContext: true, ipfsAccelerate })
  return createAccelerator()
}

const thrown = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "nothing",
    (error) => error,
  )

async function expectOurs(promise: Promise<unknown>, code: string): Promise<AccelerateError> {
  const error = (await thrown(promise)) as AccelerateError
  expect(error).toBeInstanceOf(AccelerateError)
  expect(error).toMatchObject({ code, entry: { message: expect.stringMatching(/./) } })
  return error
}

describe("what the extension throws is an AccelerateError as the SDK exports it", () => {
  test("though the page script's own is of another class", async () => {
    const foreign = await thrown(script.api.load(`${url}-absent`))
    expect(foreign).toMatchObject({ name: "ModelError", code: "IPFA_MODEL_NOT_FOUND" })
    expect(foreign).not.toBeInstanceOf(AccelerateError)
    const error = await expectOurs(ai.load(`${url}-absent`), "IPFA_MODEL_NOT_FOUND")
    expect([error.name, error.message]).toEqual(["ModelError", (foreign as Error).message])
  })

  test("from every method, with its data and its cause", async () => {
    const feeds = { x: { dtype: "float31" } } as never
    expect((await expectOurs(ai.benchmark({ model: url, feeds }), "IPFA_INPUT_INVALID")).data.path).toBe("x.dtype")
    const input = { other: floats(1) }
    await expectOurs(ai.accelerate({ modelId: `${url}-absent`, input }), "IPFA_MODEL_NOT_FOUND")
    const signal = AbortSignal.abort(new Error("enough"))
    expect((await expectOurs(ai.load(url, { signal }), "IPFA_JOB_CANCELLED")).cause).toBe(signal.reason)
    const ended = await script.connection.peer()
    vi.spyOn(script.connection, "peer").mockResolvedValue(ended)
    script.cut()
    await expectOurs(ai.hardware(), "IPFA_PROTOCOL_CLOSED")
    await expectOurs(ai.status(), "IPFA_PROTOCOL_CLOSED")
    await expectOurs(ai.enable({ capabilities: ["infer"] }), "IPFA_PROTOCOL_CLOSED")
  })

  test("from its sessions, and from what they keep", async () => {
    const session: Session = await ai.load(url)
    const error = await expectOurs(session.run({ x: floats(1) }, { keep: ["z"] }), "IPFA_INPUT_INVALID")
    expect(error.data.path).toBe("keep.0")
    const { y } = (await session.run({ x: floats(1) }, { keep: ["y"] })).outputs
    const peer = await script.connection.peer()
    const { sessionId } = (await ai.status()).sessions[0]!
    await peer.call("session.close", { sessionId })
    await expectOurs(y.dispose(), "IPFA_SESSION_UNKNOWN")
    vi.spyOn(peer, "call").mockRejectedValue(await thrown(script.api.load(`${url}-absent`)))
    await expectOurs(Promise.resolve(session[Symbol.asyncDispose]()), "IPFA_MODEL_NOT_FOUND")
  })

  test("with a code that the SDK is too old to know as IPFA_INTERNAL that names it", async () => {
    const status = async () => {
      throw Object.assign(new Error("No moon tonight."), { code: "IPFA_MOON_ABSENT" })
    }
    const error = await expectOurs((await withExtension({ status })).status(), "IPFA_INTERNAL")
    expect(error).toMatchObject({ message: "No moon tonight.", data: { code: "IPFA_MOON_ABSENT" } })
  })

  test("and what has no code of ours stays what it is", async () => {
    for (const error of [new TypeError("not ours"), undefined, "text"]) {
      const status = () => Promise.reject(error)
      expect(await thrown((await withExtension({ status })).status())).toBe(error)
    }
  })
})

test("a session of the extension tells of itself as ever, also once it was opened again", async () => {
  const session = await ai.load(url)
  expect(session).toMatchObject({ device: { id: "wasm" }, model: { reference: url }, inputs: [{ name: "x" }] })
  script.cut()
  host.note = "opened anew"
  const { outputs } = await session.run({ x: floats(41) })
  expect((outputs.y as { data: Float32Array }).data[0]).toBe(42)
  await session.dispose()
  expect((await ai.status()).sessions.filter((s) => s.leases > 0)).toEqual([])
  expect([ai.version, ai.via]).toEqual(["9.9.9", "extension"])
})
