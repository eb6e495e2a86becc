import * as ort from "onnxruntime-node"
import { describe, expect, test } from "vitest"
import { looksLost, ortFailure } from "../../engine/backends/ort-errors.ts"
import { leftToCpu } from "../../engine/backends/ort-log.ts"
import { isAllOnDevice, openOrt } from "../../engine/backends/ort-open.ts"
import { knownModel } from "../../engine/probe/index.ts"

describe("what the runtime throws becomes one of our errors", () => {
  const heard: [message: string, code: string][] = [
    ["Failed to execute 'mapAsync' on 'GPUBuffer': A valid external Instance reference no longer exists.", "LOST"],
    ["The device is lost.", "LOST"],
    ["Aborted(). Build with -sASSERTIONS for more info.", "LOST"],
    ["memory access out of bounds", "LOST"],
    ["Can't create a session. failed to allocate a buffer of size 12884901888.", "MEMORY"],
    ["std::bad_alloc", "MEMORY"],
    ["Could not find an implementation for Identity(21) node with name ''", "UNSUPPORTED"],
  ]
  test.for(heard)("%s", ([message, code]) => {
    const failure = ortFailure(new Error(message), "IPFA_DEVICE_UNSUPPORTED")
    expect(failure.code).toBe(`IPFA_DEVICE_${code}`)
    expect(failure.data.reason).toBe(message)
  })

  test("a C++ exception that nothing caught leaves a heap that is not used again", () => {
    expect(looksLost(6_541_232)).toBe(true)
    expect(ortFailure(6_541_232, "IPFA_RUN_FAILED").code).toBe("IPFA_DEVICE_LOST")
  })
})

describe("opening a model", () => {
  /** onnxruntime-node that refuses `level`, as it does some QDQ graphs with dilated convolutions. */
  const refusing = (level: string) =>
    ({
      create(model: Uint8Array, options: ort.InferenceSession.SessionOptions) {
        if (options.graphOptimizationLevel === level) throw new Error("a graph transformer failed")
        return ort.InferenceSession.create(model, options)
      },
    }) as unknown as typeof ort.InferenceSession

  test("uses all optimisations, and has nothing to note", async () => {
    const { session, note } = await openOrt(refusing("basic"), knownModel(), {})
    expect(note).toBeUndefined()
    await session.release()
  })

  test("that all optimisations fail is opened with basic ones, and says so", async () => {
    const { session, note } = await openOrt(refusing("all"), knownModel(), {})
    expect(note).toMatch(/basic optimisations only.*a graph transformer failed/)
    await session.release()
  })

  test("that is none is IPFA_DEVICE_UNSUPPORTED with the runtime's reason", async () => {
    const opening = openOrt(ort.InferenceSession, new Uint8Array(10), {})
    await expect(opening).rejects.toMatchObject({ code: "IPFA_DEVICE_UNSUPPORTED" })
  })

  test("that the CPU computes is not all on another device", async () => {
    // Without a provider named, the CPU is the runtime's fallback.
    expect(await isAllOnDevice(ort.InferenceSession, knownModel(), { logSeverityLevel: 4 })).toBe(false)
  })
})

test("the runtime's own warning says that nodes were left to the CPU", () => {
  const line =
    "2026-01-01 00:00:00.0 [W:onnxruntime:, session_state.cc:1397 VerifyEachNodeIsAssignedToAnEp] Some nodes were not assigned to the preferred execution providers which may or may not have an negative impact on performance."
  expect(leftToCpu([line])).toBe(true)
  expect(leftToCpu(["2026-01-01 [W:onnxruntime:, graph.cc:1] Removing initializer"])).toBe(false)
})
